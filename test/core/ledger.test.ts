// The ledger: every transition is counted and told once, every accepted task has exactly one end, and nobody can break that.
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OffloadError } from "../../src/base/errors.js";
import type { Events } from "../../src/core/events.js";
import type { Ledger } from "../../src/core/ledger.js";
import { PayloadBytes } from "../../src/core/payload/payload.js";
import { LostResult } from "../../src/core/result.js";
import { codeOf, isFinal, mayFollow, states, type TaskState } from "../../src/core/states.js";
import type { Task } from "../../src/core/task.js";
import { survivors } from "../support/garbage.js";
import { createLedger, defineTask, ids, makeTask, recordEvents } from "../support/tasks.js";

const cancelledError = new OffloadError("AR_CANCELLED", "cancelled");

/** Every way a state is entered. */
const enter: Record<TaskState, (ledger: Ledger, task: Task) => void> = {
  held: (ledger, task) => ledger.accept(task),
  queued: (ledger, task) => (task.state === "running" ? ledger.takenBack(task) : ledger.queued(task)),
  running: (ledger, task) => ledger.started(task),
  delayed: (ledger, task) => ledger.delayed(task, 10, new Error("again")),
  succeeded: (ledger, task) => ledger.succeeded(task, "value", 5),
  failed: (ledger, task) => ledger.failed(task, new Error("failed"), 5),
  cancelled: (ledger, task) => ledger.cancelled(task, cancelledError),
  skipped: (ledger, task) => ledger.skipped(task),
  abandoned: (ledger, task) => ledger.abandoned(task),
  forwarded: (ledger, task) => ledger.forwarded(task),
};

/** The event of each state; a task that is held was accepted. */
const eventOf = { held: "accepted", queued: "queued", running: "started", delayed: "retrying" } as Record<
  string,
  string
>;

const unhandled: unknown[] = [];
const note = (reason: unknown) => void unhandled.push(reason);
beforeEach(() => void process.on("unhandledRejection", note));
afterEach(async () => {
  await turn();
  await turn();
  process.off("unhandledRejection", note);
  expect(unhandled.splice(0)).toEqual([]);
});

describe("the ledger", () => {
  it("counts, lists and tells every transition as a naive record does, and refuses those that are not allowed", () => {
    const steps = fc.array(fc.record({ which: fc.nat(9), to: fc.constantFrom(...states) }), {
      maxLength: 120,
      size: "max",
    });
    fc.assert(
      fc.property(steps, (moves) => {
        const { ledger, events } = createLedger();
        const heard = recordEvents(events);
        const definitions = [defineTask("one"), defineTask("two")] as const;
        const tasks = Array.from({ length: 10 }, (_, index) => makeTask(definitions[index % 2 === 0 ? 0 : 1]));
        const model = new Map<Task, TaskState>();
        const recorded: [string, string][] = [];
        for (const { which, to } of moves) {
          const task = tasks[which] as Task;
          const from = model.get(task);
          if (from === undefined && to !== "held") continue;
          if (from !== undefined && to === "held") continue;
          if (from !== undefined && !mayFollow(codeOf(from), codeOf(to))) {
            expect(() => enter[to](ledger, task)).toThrow(`cannot go from ${from} to ${to}`);
          } else {
            enter[to](ledger, task);
            model.set(task, to);
            recorded.push([eventOf[to] ?? to, task.id]);
          }
          const unfinished = [...model].filter(([, state]) => !isFinal(state)).map(([open]) => open);
          expect(ledger.list()).toEqual(unfinished);
          expect(ledger.unfinished).toBe(unfinished.length);
          expect(ledger.counts.all()).toEqual(countStates([...model.values()]));
        }
        expect(heard.map(({ name: event, event: { id } }) => [event, id])).toEqual(recorded);
        for (const definition of definitions) {
          const own = [...model].filter(([task]) => task.definition === definition).map(([, state]) => state);
          expect(definition.counts.all()).toEqual(countStates(own));
        }
        for (const [task, state] of model) {
          const ends = heard.filter(({ name: event, event: { id } }) => id === task.id && isFinal(event as TaskState));
          expect(ends).toHaveLength(isFinal(state) ? 1 : 0);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("a transition that is refused changes nothing of the task", () => {
    const { ledger } = createLedger();
    const task = running(ledger);
    ledger.succeeded(task, "the value");
    for (const act of [ledger.failed, ledger.cancelled]) {
      expect(() => act.call(ledger, task, cancelledError)).toThrow(/cannot go from succeeded/);
    }
    return expect(ledger.result(task)).resolves.toBe("the value");
  });

  it("tells a life in full: attempt, waiting and running time, error, context", () => {
    const { ledger, events } = createLedger();
    const heard = recordEvents(events);
    const task = makeTask(defineTask("sendMail"), { priority: "high" }, { context: { trace: "t" } });
    const error = new Error("refused");
    ledger.accept(task);
    ledger.queued(task);
    ledger.started(task, 3);
    ledger.progress(task, 0.5);
    ledger.delayed(task, 250, error, 12);
    ledger.queued(task);
    ledger.started(task, 4);
    ledger.succeeded(task, 1, 34);
    const waitMs = expect.any(Number);
    const base = {
      id: task.id,
      task: "sendMail",
      kind: "task",
      key: undefined,
      parent: undefined,
      priority: "high",
      replayed: false,
      context: { trace: "t" },
      ageMs: waitMs,
    };
    expect(heard.map(({ name: event, event: fields }) => ({ event, ...fields }))).toEqual([
      { event: "accepted", ...base, attempt: 0, state: "held" },
      { event: "queued", ...base, attempt: 0, state: "queued" },
      { event: "started", ...base, attempt: 1, state: "running", threadId: 3, attemptMs: waitMs, waitMs },
      { event: "progress", ...base, attempt: 1, state: "running", threadId: 3, attemptMs: waitMs, value: 0.5 },
      {
        event: "retrying",
        ...base,
        attempt: 1,
        state: "delayed",
        threadId: 3,
        attemptMs: waitMs,
        waitMs,
        runMs: 12,
        error,
        delayMs: 250,
      },
      { event: "queued", ...base, attempt: 1, state: "queued" },
      { event: "started", ...base, attempt: 2, state: "running", threadId: 4, attemptMs: waitMs, waitMs },
      {
        event: "succeeded",
        ...base,
        attempt: 2,
        state: "succeeded",
        threadId: 4,
        attemptMs: waitMs,
        waitMs,
        runMs: 34,
      },
    ]);
  });

  it("a task that is taken back has not been tried", () => {
    const { ledger } = createLedger();
    const task = running(ledger);
    ledger.takenBack(task);
    expect([task.state, task.attempt]).toEqual(["queued", 0]);
    ledger.started(task);
    expect(task.attempt).toBe(1);
  });

  it("that ends before its code has begun has not been tried, and has waited for no thread", () => {
    const { ledger, events } = createLedger();
    const heard = recordEvents(events);
    const task = running(ledger);
    ledger.neverBegan(task);
    ledger.cancelled(task, cancelledError);
    expect(heard.at(-1)).toMatchObject({ name: "cancelled", event: { attempt: 0, threadId: undefined, waitMs: 0 } });
    expect(task.definition.waits.snapshot().count).toBe(0);
  });

  it("that ends while it waits again has no wait, whatever the ticks of its last start were", () => {
    const { ledger, events } = createLedger();
    const heard = recordEvents(events);
    const task = makeTask();
    ledger.accept(task);
    ledger.queued(task);
    task.queuedAt -= 50;
    ledger.started(task);
    ledger.delayed(task, 10, new Error("again"));
    task.startedAt -= 1_000;
    ledger.queued(task);
    ledger.cancelled(task, cancelledError);
    expect(heard.at(-1)).toMatchObject({ name: "cancelled", event: { waitMs: 0 } });
    expect(task.definition.waits.percentiles().max).toBe(0);
  });

  it("measures what has been started, and no wait of what never was", () => {
    const { ledger } = createLedger();
    const definition = defineTask();
    const ran = makeTask(definition);
    enterAll(ledger, ran, ["held", "queued", "running"]);
    ledger.failed(ran, new Error("failed"), 40);
    expect(definition.runs.percentiles().max).toBe(40);
    enterAll(ledger, makeTask(definition), ["held", "queued", "cancelled"]);
    expect(definition.runs.percentiles().max).toBe(40);
  });

  it("calls its one observer after every transition, before anybody is told, the outcome known at the end", () => {
    const { ledger, events } = createLedger();
    const moves: unknown[] = [];
    ledger.observe((task, from) => void moves.push([from, task.state, task.outcome]));
    events.on("started", () => expect(moves).toHaveLength(2));
    const error = new Error("failed");
    const task = running(ledger);
    ledger.failed(task, error);
    expect(moves).toEqual([
      ["held", "queued", undefined],
      ["queued", "running", undefined],
      ["running", "failed", error],
    ]);
  });

  it("lists the oldest first, as many as are asked for", () => {
    const { ledger } = createLedger();
    const tasks = [accepted(ledger), accepted(ledger), accepted(ledger), accepted(ledger)];
    ledger.cancelled(tasks[1] as Task, cancelledError);
    expect(ledger.list(2)).toEqual([tasks[0], tasks[2]]);
    expect(ledger.list(0)).toEqual([]);
  });

  it("remembers what was abandoned as it was before that", () => {
    const { ledger } = createLedger();
    const held = accepted(ledger);
    const started = running(ledger);
    ledger.abandoned(held);
    ledger.abandoned(started);
    expect(ledger.abandonedTasks).toEqual([
      { id: held.id, task: "work", state: "held", attempt: 0 },
      { id: started.id, task: "work", state: "running", attempt: 1 },
    ]);
  });

  it("knows how many bytes the payloads of unfinished tasks hold together", () => {
    const { ledger } = createLedger();
    const payloads = ["x".repeat(100), "x".repeat(20), undefined];
    const tasks = payloads.map((payload) => makeTask(defineTask(), {}, { payload }));
    const sum = (): number => ledger.list().reduce((bytes, task) => bytes + task.bytes, 0);
    for (const task of tasks) {
      enterAll(ledger, task, ["held", "queued", "running"]);
      expect(ledger.bytes).toBe(sum());
    }
    expect(ledger.bytes).toBeGreaterThanOrEqual(120);
    for (const [index, end] of (["succeeded", "abandoned", "delayed"] as const).entries()) {
      enterAll(ledger, tasks[index] as Task, [end]);
      expect(ledger.bytes).toBe(sum());
    }
    ledger.cancelled(tasks[2] as Task, cancelledError);
    expect(ledger.bytes).toBe(0);
  });

  it("gives the memory of a payload back at the end, but not while a thread may still read it", () => {
    const { ledger } = createLedger();
    const freed: TaskState[] = [];
    const endAs = (path: readonly TaskState[]): void => {
      const bytes = new PayloadBytes(new Uint8Array(8), [8], { free: () => void freed.push(task.state) });
      const task = makeTask(defineTask(), {}, { payload: bytes });
      enterAll(ledger, task, ["held", ...path]);
      expect(task.payload).toBeUndefined();
    };
    endAs(["queued", "running", "abandoned"]);
    expect(freed).toEqual([]);
    endAs(["queued", "running", "succeeded"]);
    endAs(["queued", "abandoned"]);
    endAs(["skipped"]);
    expect(freed).toEqual(["succeeded", "abandoned", "skipped"]);
  });

  it("lists tasks of earlier processes before its own, in the order in which they came back", () => {
    const { ledger } = createLedger();
    const cameBack = (): Task => {
      const task = makeTask();
      task.replayedId = `replayed-${task.seq}`;
      ledger.accept(task);
      return task;
    };
    const own = accepted(ledger);
    const back = [cameBack(), cameBack(), cameBack()] as const;
    expect(ids(ledger.list())).toEqual(ids([...back, own]));
    ledger.cancelled(back[2], cancelledError);
    const last = cameBack();
    expect(ids(ledger.list())).toEqual(ids([back[0], back[1], last, own]));
    for (const task of [back[0], back[1], last]) ledger.cancelled(task, cancelledError);
    const alone = cameBack();
    expect(ids(ledger.list())).toEqual(ids([alone, own]));
  });

  it("lets go of a payload with the end of its task", () => {
    const { ledger } = createLedger();
    const task = makeTask(defineTask(), {}, { payload: { large: true } });
    enterAll(ledger, task, ["held", "queued", "running"]);
    expect(task.payload).toEqual({ large: true });
    ledger.succeeded(task, undefined);
    expect(task.payload).toBeUndefined();
  });

  it("keeps nothing of a task that has ended", async () => {
    const { ledger, events } = createLedger();
    events.on("failed", () => {});
    const ended = Array.from({ length: 1_000 }, (_, index) => {
      const task = running(ledger);
      void ledger.result(task).catch(() => {});
      if (index % 2 === 0) ledger.succeeded(task, { value: index });
      else ledger.failed(task, new Error("failed"));
      return new WeakRef(task);
    });
    const open = new WeakRef(accepted(ledger));
    expect(await survivors([...ended, open])).toBe(1);
    expect(ledger.unfinished).toBe(1);
  });

  it("an event that nobody listens to costs nothing: not even the id is made", () => {
    const { ledger } = createLedger();
    const task = running(ledger);
    Object.defineProperty(task, "identity", { value: () => expect.unreachable() });
    ledger.progress(task, 1);
    enterAll(ledger, task, ["delayed", "queued", "running", "succeeded"]);
  });
});

describe("the result of a task", () => {
  const ends: [string, (ledger: Ledger, task: Task) => void, unknown][] = [
    ["failed", (ledger, task) => ledger.failed(task, new TypeError("its own")), new TypeError("its own")],
    ["failed by something that is no error", (ledger, task) => ledger.failed(task, "thrown text"), "thrown text"],
    ["cancelled", (ledger, task) => ledger.cancelled(task, cancelledError), cancelledError],
    ["abandoned", (ledger, task) => ledger.abandoned(task), expect.objectContaining({ code: "AR_ABANDONED" })],
    ["forwarded", (ledger, task) => ledger.forwarded(task), expect.objectContaining({ code: "AR_RUN_ELSEWHERE" })],
    [
      "succeeded, its value lost",
      (ledger, task) => ledger.succeeded(task, new LostResult("AR_RESULT_NOT_KEPT", "it was large")),
      expect.objectContaining({
        code: "AR_RESULT_NOT_KEPT",
        message: expect.stringMatching(/succeeded, but it was large$/),
      }),
    ],
  ];

  it.each(ends)("%s: told to who asked before and to who asks later, in the same words", async (_, end, error) => {
    const { ledger, events } = createLedger();
    events.on("failed", () => {});
    const task = running(ledger);
    const early = ledger.result(task);
    end(ledger, task);
    await expect(early).rejects.toEqual(error);
    const unasked = running(ledger);
    end(ledger, unasked);
    await expect(ledger.result(unasked)).rejects.toEqual(error);
  });

  it("succeeded: the value, early and late", async () => {
    const { ledger } = createLedger();
    const task = running(ledger);
    const early = ledger.result(task);
    ledger.succeeded(task, { n: 1 });
    expect(await early).toEqual({ n: 1 });
    const unasked = running(ledger);
    ledger.succeeded(unasked, undefined);
    expect(await ledger.result(unasked)).toBeUndefined();
  });

  it("skipped: rejects with AR_SKIPPED", async () => {
    const { ledger } = createLedger();
    const task = accepted(ledger);
    ledger.skipped(task);
    await expect(ledger.result(task)).rejects.toMatchObject({ code: "AR_SKIPPED" });
  });

  it("is one promise, however often it is asked for", () => {
    const { ledger } = createLedger();
    const task = accepted(ledger);
    expect(ledger.result(task)).toBe(ledger.result(task));
  });

  it("that nobody waits for is no unhandledRejection, asked for or not", async () => {
    const { ledger, events } = createLedger();
    events.on("failed", () => {});
    const [asked, unasked, late] = [running(ledger), running(ledger), running(ledger)];
    void ledger.result(asked);
    for (const task of [asked, unasked, late]) ledger.failed(task, new Error("nobody cares"));
    void ledger.result(late);
    // The check after each test waits, and finds none.
  });

  it("that cannot be read rejects with the cause, and the task has succeeded all the same", async () => {
    const { ledger } = createLedger();
    const task = running(ledger);
    const early = ledger.result(task);
    ledger.succeeded(task, new PayloadBytes(new Uint8Array([1, 2, 3]), [3]));
    expect(task.state).toBe("succeeded");
    await expect(early).rejects.toMatchObject({ code: "AR_RESULT_NOT_CLONEABLE", cause: expect.any(Error) });
  });

  it("is known to a listener of the final event", async () => {
    const { ledger, events } = createLedger();
    const task = running(ledger);
    let recorded: Promise<unknown> | undefined;
    events.on("succeeded", () => {
      recorded = ledger.result(task);
    });
    ledger.succeeded(task, 42);
    expect(await recorded).toBe(42);
  });
});

describe("listeners", () => {
  it("that throw or reject change nothing, and are logged with the event's name", async () => {
    const { ledger, events, lines } = createLedger();
    const broken = new Error("broken listener");
    for (const event of ["accepted", "queued", "started", "succeeded"] as const) {
      events.on(event, () => {
        throw broken;
      });
      events.on(event, async () => {
        throw broken;
      });
    }
    const heard = recordEvents(events);
    const task = running(ledger);
    ledger.succeeded(task, 1);
    expect(heard.map(({ name: event }) => event)).toEqual(["accepted", "queued", "started", "succeeded"]);
    expect(await ledger.result(task)).toBe(1);
    await turn();
    const events8 = ["accepted", "queued", "started", "succeeded"].flatMap((event) => [event, event]);
    expect(lines.map(({ fields }) => fields.event).sort()).toEqual(events8.sort());
    expect(lines.every(({ message, fields }) => message === "a listener failed" && fields.err === broken)).toBe(true);
  });

  it("a listener may dispatch and cancel while it is told", () => {
    const { ledger, events } = createLedger();
    const other = accepted(ledger);
    events.on("succeeded", () => {
      ledger.cancelled(other, cancelledError);
      accepted(ledger);
    });
    ledger.succeeded(running(ledger), 1);
    expect(ledger.counts.all()).toMatchObject({ succeeded: 1, cancelled: 1, held: 1 });
    expect(ledger.unfinished).toBe(1);
  });
});

describe("idle()", () => {
  it("resolves where nothing was ever accepted", async () => {
    await createLedger().ledger.idle();
  });

  it("waits for the last end, in whatever state the tasks are", async () => {
    const { ledger } = createLedger();
    const tasks = [accepted(ledger), running(ledger), running(ledger)] as const;
    const order = following(ledger);
    ledger.delayed(tasks[1], 1, new Error("again"));
    await turns(5);
    for (const task of tasks) {
      expect(order.idle).toBe(false);
      ledger.cancelled(task, cancelledError);
    }
    await order.done;
  });

  it.each<[string, (ledger: Ledger, dispatch: () => void, last: Task, events: Events) => void]>([
    ["a listener of the last end", (_ledger, dispatch, _last, events) => void events.on("succeeded", dispatch)],
    ["what awaits the last result", (ledger, dispatch, last) => void ledger.result(last).then(dispatch)],
    ["a timer that is due at once", (_, dispatch) => void setImmediate(dispatch)],
    ["a promise after two turns", (_, dispatch) => void turn().then(turn).then(dispatch)],
  ])("waits for what is dispatched by %s", async (_, plan) => {
    const { ledger, events } = createLedger();
    const last = running(ledger);
    const order = following(ledger);
    let late: Task | undefined;
    plan(
      ledger,
      () => {
        late ??= accepted(ledger);
      },
      last,
      events,
    );
    ledger.succeeded(last, 1);
    await turns(5);
    expect(late).toBeDefined();
    expect(order.idle).toBe(false);
    if (late) ledger.cancelled(late, cancelledError);
    await order.done;
  });

  it("tells everybody who waits", async () => {
    const { ledger } = createLedger();
    const task = accepted(ledger);
    const waiting = [ledger.idle(), ledger.idle(), ledger.idle()];
    ledger.cancelled(task, cancelledError);
    await Promise.all(waiting);
  });
});

function accepted(ledger: Ledger): Task {
  const task = makeTask();
  ledger.accept(task);
  return task;
}

function running(ledger: Ledger): Task {
  const task = makeTask();
  enterAll(ledger, task, ["held", "queued", "running"]);
  return task;
}

function enterAll(ledger: Ledger, task: Task, path: readonly TaskState[]): void {
  for (const state of path) enter[state](ledger, task);
}

function countStates(list: readonly TaskState[]): Record<TaskState, number> {
  const counts = Object.fromEntries(states.map((state) => [state, 0])) as Record<TaskState, number>;
  for (const state of list) counts[state]++;
  return counts;
}

function following(ledger: Ledger): { idle: boolean; done: Promise<void> } {
  const order = { idle: false, done: Promise.resolve() };
  order.done = ledger.idle().then(() => {
    order.idle = true;
  });
  return order;
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}
