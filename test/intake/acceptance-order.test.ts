// Which of two tasks with one key is the later, when one of an earlier process comes back.
import { expect, it, vi } from "vitest";
import type { TaskState } from "../../src/core/states.js";
import type { Task } from "../../src/core/task.js";
import { AcceptanceOrder } from "../../src/intake/acceptance-order.js";
import type { StoredTask } from "../../src/store/store.js";
import { ids, makeTask } from "../support/tasks.js";

// The clocks were captured when the library was loaded, so the module that captured them is replaced.
const clocks = vi.hoisted(() => ({ beforeRead: () => {} }));
vi.mock("../../src/base/time.js", async (original) => {
  const time = await original<typeof import("../../src/base/time.js")>();
  const stalling = (read: () => number) => () => {
    const at = read();
    clocks.beforeRead();
    return at;
  };
  return { ...time, now: stalling(time.now), wallClock: stalling(time.wallClock) };
});

const minute = 60_000;

function keyed(onDuplicate?: "skip" | "replace", state: TaskState = "queued"): Task {
  const task = makeTask(undefined, { key: "k", onDuplicate });
  task.state = state;
  return task;
}

/** What a store says of a task. */
function replayed(acceptedAt: number, retries = 0): StoredTask {
  const content = { payload: undefined, dispatch: undefined, context: undefined, parent: undefined };
  return { ...content, id: "id", name: "work", attempt: 0, interrupted: 0, acceptedAt, retries };
}

it('a later task of this process with "replace" has the earlier one cancelled, whether it runs or not', () => {
  for (const state of ["held", "queued", "running"] as const) {
    const back = keyed("replace", "held");
    const order = new AcceptanceOrder();
    expect(ids(order.cameBack(back, replayed(Date.now() - minute), [keyed("replace", state)]))).toEqual(ids([back]));
  }
});

it("a task of this process counts as the later where the two were accepted at the same moment", () => {
  const order = new AcceptanceOrder();
  for (let round = 0; round < 1_000; round++) {
    const acceptedAt = Date.now();
    const own = keyed("replace");
    const back = keyed("replace", "held");
    expect(ids(order.cameBack(back, replayed(acceptedAt), [own]))).toEqual(ids([back]));
  }
});

it("a process that is made to wait in the middle of the comparison takes none of its own tasks for earlier", () => {
  const own = keyed("replace");
  const back = keyed("replace", "held");
  const acceptedAt = Date.now();
  // Whichever clock is read first, 20 ms go by before the other is.
  clocks.beforeRead = () => {
    const end = process.hrtime.bigint() + 20_000_000n;
    while (process.hrtime.bigint() < end);
  };
  try {
    expect(ids(new AcceptanceOrder().cameBack(back, replayed(acceptedAt), [own]))).toEqual(ids([back]));
  } finally {
    clocks.beforeRead = () => {};
  }
});

it("nobody is cancelled where the later one does not say so", () => {
  const order = new AcceptanceOrder();
  expect(order.cameBack(keyed("replace"), replayed(Date.now() - minute), [keyed("skip"), keyed()])).toEqual([]);
  expect(order.cameBack(keyed("skip"), replayed(Date.now() + minute), [keyed("replace")])).toEqual([]);
});

it("one that the process before had accepted after this process its own takes the place of what waits, and not of what runs", () => {
  const order = new AcceptanceOrder();
  const [waiting, running] = [keyed("replace"), keyed("replace", "running")];
  const cancelled = order.cameBack(keyed("replace"), replayed(Date.now() + minute), [waiting, running]);
  expect(ids(cancelled)).toEqual(ids([waiting]));
});

it("of two that came back, the later accepted decides, in whichever order they come", () => {
  const order = new AcceptanceOrder();
  const [early, late] = [keyed("replace"), keyed("replace")];
  order.cameBack(late, replayed(2), []);
  expect(ids(order.cameBack(early, replayed(1), [late]))).toEqual(ids([early]));
  expect(ids(order.cameBack(late, replayed(2), [early]))).toEqual(ids([early]));
});

it("a dead letter is older than all others, and than none of those that were run again before it", () => {
  const order = new AcceptanceOrder();
  const [letter, another, other] = [keyed("replace"), keyed("replace"), keyed("replace")];
  order.cameBack(other, replayed(1), []);
  expect(ids(order.cameBack(letter, replayed(Date.now(), 1), [other]))).toEqual(ids([letter]));
  expect(ids(order.cameBack(another, replayed(Date.now(), 1), [letter]))).toEqual(ids([letter]));
});
