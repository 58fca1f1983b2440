// The journal behind the seam of the stores: what it records of each transition, and how tasks come back.
import { AsyncLocalStorage } from "node:async_hooks";
import { rmSync } from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { OffloadError } from "../../src/base/errors.js";
import { turn } from "../../src/base/time.js";
import type { TaskState } from "../../src/core/states.js";
import type { Task } from "../../src/core/task.js";
import { nodeFileSystem } from "../../src/journal/files/file-system.js";
import { JournalStore } from "../../src/journal/journal-store.js";
import type { Readmit, StoredTask } from "../../src/store/store.js";
import { makeTask, recordingLogger } from "../support/tasks.js";
import { accept, afterKill, payloadBytes, pendingIn, temporaryDirectory, testJournal } from "./journals.js";

const stores: JournalStore[] = [];

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});

function testStore(dir = path.join(temporaryDirectory(), "journal"), hasRoom = () => true, lookEvery = 30_000) {
  const { logger, lines } = recordingLogger();
  const world = { fs: nodeFileSystem, now: Date.now, unboundGrace: 0, lookEvery };
  const store = new JournalStore({ dir }, { logger, hasRoom }, world);
  stores.push(store);
  return { store, dir, lines };
}

/** Accepts a task of its own. */
function accepted(store: JournalStore, payload: unknown = 1, lasting?: object): Task {
  const task = makeTask();
  store.accept(task, payload, lasting);
  return task;
}

/** Moves a task through states, as the core does. */
function move(store: JournalStore, task: Task, ...states: TaskState[]): void {
  for (const state of states) {
    const from = task.state;
    if (state === "running") task.attempt++;
    task.state = state;
    store.moved(task, from);
  }
}

function fail(store: JournalStore, task: Task, outcome: unknown): void {
  task.outcome = outcome;
  move(store, task, "failed");
}

/** A core that accepts what comes back, and notes it. */
function core(store: JournalStore) {
  const back: Task[] = [];
  const stored: StoredTask[] = [];
  const waiting: (() => void)[] = [];
  const readmit: Readmit = (given, onMade) => {
    const task = makeTask();
    onMade(task);
    move(store, task, "queued");
    stored.push(given);
    back.push(task);
    for (const resolve of waiting.splice(0)) resolve();
    return task;
  };
  return {
    back,
    stored,
    readmit,
    async count(number: number): Promise<void> {
      while (back.length < number) await new Promise<void>((resolve) => waiting.push(resolve));
    },
  };
}

/** A directory in which a dead process left tasks. */
function leftBehind(count: number): { dir: string; ids: string[] } {
  const { journal, dir } = testJournal();
  const ids = Array.from({ length: count }, () => accept(journal).id);
  return { dir: afterKill(dir), ids };
}

describe("a task in the store", () => {
  it("is recorded with its payload, its context and the options that outlive the process", async () => {
    const { store, dir } = testStore();
    const task = makeTask(undefined, {}, { context: { request: 7 } });
    store.accept(task, { key: "x" }, { attempts: 3 });
    expect(await pendingIn(dir)).toMatchObject([
      { id: task.id, name: "work", payload: { key: "x" }, dispatch: { attempts: 3 }, context: { request: 7 } },
    ]);
    expect(store.pending).toBe(1);
  });

  it("may be bytes", async () => {
    const { store, dir } = testStore();
    const bytes = payloadBytes(new Uint8Array([1, 2, 3]), [2, 1]);
    accepted(store, bytes);
    expect(await pendingIn(dir)).toMatchObject([{ payload: bytes }]);
  });

  it("leaves it when it has ended, or was not accepted after all", async () => {
    const { store, dir } = testStore();
    for (const state of ["succeeded", "cancelled", "skipped"] as const) move(store, accepted(store), state);
    store.undo(accepted(store));
    store.flush();
    expect([await pendingIn(dir), store.pending]).toEqual([[], 0]);
  });

  it("has its starts recorded, and the attempts that ended", async () => {
    const { store, dir } = testStore();
    const task = accepted(store);
    move(store, task, "queued", "running", "delayed", "queued", "running");
    store.flush();
    expect(await pendingIn(dir)).toMatchObject([{ attempt: 1, interrupted: 1 }]);
  });

  it("that was taken back from a thread has not had that attempt", async () => {
    const { store, dir } = testStore();
    const task = accepted(store);
    move(store, task, "queued", "running");
    task.attempt--;
    move(store, task, "queued");
    store.flush();
    expect(await pendingIn(dir)).toMatchObject([{ attempt: 0, interrupted: 0 }]);
  });

  it.each<[string, unknown, string]>([
    ["an error", new RangeError("no"), "exhausted"],
    ["a timeout", new OffloadError("AR_TIMEOUT", "late"), "timeout"],
    ["an unknown name", new OffloadError("AR_UNKNOWN_TASK", "who"), "unknown-task"],
  ])("that failed with %s becomes a dead letter", async (_what, error, reason) => {
    const { store, dir } = testStore();
    const task = accepted(store);
    move(store, task, "queued", "running");
    fail(store, task, error);
    store.flush();
    expect(await store.deadLetters.list()).toMatchObject([{ id: task.id, task: "work", reason }]);
    expect([await pendingIn(dir), task.isLeft]).toEqual([[], false]);
  });

  it("is left to the next process when it was abandoned, or when the tasks module does not load", async () => {
    const { store, dir } = testStore();
    const [abandoned, unloadable] = [accepted(store), accepted(store)];
    move(store, abandoned, "queued", "running", "abandoned");
    move(store, unloadable, "queued");
    fail(store, unloadable, new OffloadError("AR_TASKS_NOT_LOADABLE", "broken"));
    store.flush();
    expect([abandoned.isLeft, unloadable.isLeft, store.pending]).toEqual([true, true, 2]);
    expect(await pendingIn(dir)).toMatchObject([
      { id: abandoned.id, attempt: 0, interrupted: 0 },
      { id: unloadable.id, attempt: 0 },
    ]);
    expect(await store.deadLetters.list()).toEqual([]);
  });

  it("that it does not know changes nothing", () => {
    const { store } = testStore();
    const callback = makeTask();
    move(store, callback, "queued", "running", "succeeded");
    store.undo(callback);
    expect(store.pending).toBe(0);
  });
});

describe("tasks of dead processes", () => {
  it("come back in the order of acceptance, and leave the store when they have ended", async () => {
    const { dir, ids } = leftBehind(3);
    const { store } = testStore(dir);
    const { back, stored, readmit, count } = core(store);
    await store.takeOver(readmit);
    await count(3);
    expect(stored.map(({ id }) => id)).toEqual(ids);
    for (const task of back) move(store, task, "running", "succeeded");
    store.flush();
    expect([await pendingIn(dir), store.pending]).toEqual([[], 0]);
  });

  it("come back some in a turn, so that a long list does not block it", async () => {
    const { dir } = leftBehind(450);
    const { store } = testStore(dir);
    const { back, readmit, count } = core(store);
    await store.takeOver(readmit);
    const seen = new Set<number>();
    while (back.length < 450) {
      await turn();
      seen.add(back.length);
    }
    expect([...seen].filter((number) => number > 0)).toEqual([200, 400, 450]);
    await count(450);
  });

  it("wait while there is no room, and come back as tasks end, whatever counts the ended one first", async () => {
    const { dir } = leftBehind(3);
    let unfinished = 0;
    const { store } = testStore(dir, () => unfinished < 1);
    const { back, readmit, count } = core(store);
    const limited: Readmit = (stored, onMade) => {
      unfinished++;
      return readmit(stored, onMade);
    };
    await store.takeOver(limited);
    for (let number = 1; number <= 3; number++) {
      await count(number);
      await turn();
      expect(back).toHaveLength(number);
      const task = back.at(-1);
      // The store hears of the end before the core counts it.
      if (task !== undefined) move(store, task, "running", "succeeded");
      unfinished--;
    }
  });

  it("come back when the end of a callback makes room", async () => {
    const { dir } = leftBehind(1);
    let room = false;
    const { store } = testStore(dir, () => room);
    const { readmit, count } = core(store);
    await store.takeOver(readmit);
    await turn();
    room = true;
    move(store, makeTask(), "running", "succeeded");
    await count(1);
  });

  it("see nothing of the request in which a task ended", async () => {
    const { dir } = leftBehind(1);
    let room = false;
    const { store } = testStore(dir, () => room);
    const request = new AsyncLocalStorage<string>();
    const { readmit, count } = core(store);
    let seen: string | undefined = "not called";
    await store.takeOver((...args) => {
      seen = request.getStore();
      return readmit(...args);
    });
    await turn();
    room = true;
    request.run("a request", () => move(store, makeTask(), "running", "succeeded"));
    await count(1);
    expect(seen).toBeUndefined();
  });

  it("are searched for once, and again after a failure", async () => {
    const { dir, ids } = leftBehind(1);
    const { store } = testStore(dir);
    const { stored, readmit, count } = core(store);
    const first = store.takeOver(readmit);
    expect(store.takeOver(readmit)).toBe(first);
    await count(1);
    expect(stored.map(({ id }) => id)).toEqual(ids);
  });

  it("stay for the next process once the replay is stopped", async () => {
    const { dir, ids } = leftBehind(300);
    const { store } = testStore(dir);
    const { back, readmit } = core(store);
    await store.takeOver(readmit);
    store.stopReplay();
    await turn();
    await turn();
    expect(back).toEqual([]);
    expect(store.pending).toBe(300);
    await store.close();
    expect((await pendingIn(dir)).map(({ id }) => id)).toEqual(ids);
  });

  it("become dead letters when nobody knows their name, and stay when they are refused for another reason", async () => {
    const { dir, ids } = leftBehind(2);
    const { store, lines } = testStore(dir);
    let calls = 0;
    await store.takeOver(() => {
      throw new OffloadError(calls++ === 0 ? "AR_UNKNOWN_TASK" : "AR_INVALID_OPTIONS", "no");
    });
    const errors = (): unknown[] => lines.filter(({ level }) => level === "error");
    while (errors().length < 2) await turn();
    expect(errors()).toMatchObject([
      { fields: { id: ids[0], task: "work", err: { code: "AR_UNKNOWN_TASK" } } },
      { fields: { id: ids[1], err: { code: "AR_INVALID_OPTIONS" } } },
    ]);
    store.flush();
    expect(await store.deadLetters.list()).toMatchObject([{ id: ids[0], reason: "unknown-task" }]);
    expect((await pendingIn(dir)).map(({ id }) => id)).toEqual([ids[1]]);
  });
});

describe("a dead letter in the store", () => {
  it.each(["AR_UNKNOWN_TASK", "AR_INVALID_OPTIONS"] as const)(
    "stays one when the core refuses it with %s",
    async (code) => {
      const { store, dir } = testStore();
      const task = accepted(store, "again");
      move(store, task, "queued", "running");
      fail(store, task, new Error("no"));
      await store.takeOver(() => {
        throw new OffloadError(code, "refused");
      });
      expect(() => store.deadLetters.retry(task.id)).toThrow(expect.objectContaining({ code }));
      store.flush();
      expect(await store.deadLetters.list()).toMatchObject([{ id: task.id, reason: "exhausted", retries: 0 }]);
      expect([await pendingIn(dir), store.pending]).toEqual([[], 0]);
    },
  );

  it("is retried once tasks can come back, and counts its retries", async () => {
    const { store } = testStore();
    const task = accepted(store, "again");
    move(store, task, "queued", "running");
    fail(store, task, new Error("no"));
    expect(() => store.deadLetters.retry(task.id)).toThrow(
      expect.objectContaining({ code: "AR_JOURNAL_UNAVAILABLE", message: expect.stringContaining("ready()") }),
    );
    const { stored, readmit } = core(store);
    await store.takeOver(readmit);
    const again = store.deadLetters.retry(task.id);
    expect(stored).toMatchObject([{ id: task.id, payload: "again", attempt: 0, retries: 1 }]);
    expect(await store.deadLetters.list()).toEqual([]);
    if (again !== undefined) move(store, again, "running", "succeeded");
    store.flush();
    expect(store.pending).toBe(0);
    expect(store.deadLetters.retry(task.id)).toBeUndefined();
    expect(store.deadLetters.discard(task.id)).toBe(false);
  });
});

describe("a logger that dispatches", () => {
  it("loses neither its own task nor the one that is being written", async () => {
    const dir = path.join(temporaryDirectory(), "journal");
    let clock = 1_000_000;
    let ofLogger: Task | undefined;
    const { logger } = recordingLogger();
    const error = (): void => {
      ofLogger ??= accepted(store, payloadBytes(Buffer.alloc(50, 1)));
    };
    const world = { fs: nodeFileSystem, now: () => clock, unboundGrace: 0 };
    const store = new JournalStore({ dir }, { logger: { ...logger, error }, hasRoom: () => true }, world);
    stores.push(store);
    accepted(store);
    // The next record notices that, and says so before it is written.
    rmSync(dir, { recursive: true });
    clock += 1_001;
    const ofHandler = accepted(store, payloadBytes(Buffer.alloc(90, 1)));
    await turn();
    expect((await pendingIn(dir)).map(({ id }) => id)).toEqual([ofHandler.id, ofLogger?.id]);
  });
});
