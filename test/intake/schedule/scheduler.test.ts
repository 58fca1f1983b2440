// The scheduler: when a task goes to its engine, what follows an attempt, and the one rule for ending a task early.
import { describe, expect, it } from "vitest";
import { OffloadError, type OffloadErrorCode } from "../../../src/base/errors.js";
import type { Clock } from "../../../src/base/time.js";
import { cancelledError, timeoutError } from "../../../src/core/early-end.js";
import type { TaskState } from "../../../src/core/states.js";
import type { Dispatch, Task } from "../../../src/core/task.js";
import { name } from "../../../src/core/task.js";
import { createScheduler, type SchedulerOptions } from "../../support/fake-engine.js";
import { defineTask, makeTask } from "../../support/tasks.js";

const error = new Error("failed");

/** A clock that stands still until the test lets its next timer fire. */
class HandClock implements Clock {
  at = 0;
  readonly delays: number[] = [];
  timers: { readonly due: number; readonly callback: () => void }[] = [];

  now(): number {
    return this.at;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { due: this.at + ms, callback };
    this.delays.push(ms);
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  fireNext(): void {
    const timer = this.timers.shift();
    this.at = timer?.due ?? this.at;
    timer?.callback();
  }
}

function create(options: SchedulerOptions = {}) {
  const clock = new HandClock();
  const parts = createScheduler({ clock, ...options });
  const { scheduler, reports } = parts;
  function queued(dispatch: Partial<Dispatch> = {}, definition = defineTask()): Task {
    const task = makeTask(definition, { backoff: (attempt) => attempt * 100, ...dispatch });
    scheduler.move(() => {
      scheduler.accept(task);
      scheduler.release(task);
    });
    return task;
  }
  function running(dispatch: Partial<Dispatch> = {}, definition = defineTask()): Task {
    const task = queued(dispatch, definition);
    reports.started(task);
    return task;
  }
  /** Brings a task into a state that is not final. */
  function inState(state: "held" | "queued" | "running" | "delayed"): Task {
    if (state === "queued") return queued();
    if (state === "held") {
      const task = makeTask();
      scheduler.accept(task);
      return task;
    }
    const task = running({ attempts: 2 });
    if (state === "delayed") reports.failed(task, error, true);
    return task;
  }
  /** The next attempt of a delayed task begins. */
  function startAgain(task: Task): void {
    clock.fireNext();
    reports.started(task);
  }
  return { ...parts, queued, running, inState, startAgain, clock };
}

function stopped(code: OffloadErrorCode): OffloadError {
  return new OffloadError(code, "told to end");
}

describe("the end of an attempt", () => {
  it("that succeeded is the end of the task", async () => {
    const { reports, scheduler, running } = create();
    const task = running({ attempts: 3 });
    reports.succeeded(task, "value", 12);
    expect(task.state).toBe("succeeded");
    expect(await scheduler.result(task)).toBe("value");
  });

  it("that failed is followed by the next, after the backoff, until the last", () => {
    const { reports, engine, running, startAgain, clock, recorded } = create();
    const task = running({ attempts: 3 });
    for (const attempt of [1, 2]) {
      reports.failed(task, error, true, 5);
      expect([task.state, task.attempt]).toEqual(["delayed", attempt]);
      startAgain(task);
    }
    reports.failed(task, error, true, 5);
    expect([task.state, task.attempt]).toEqual(["failed", 3]);
    expect(clock.delays).toEqual([100, 200]);
    const retries = recorded.filter(({ name }) => name === "retrying").map(({ event }) => event);
    expect(retries).toMatchObject([
      { id: task.id, delayMs: 100, error, runMs: 5 },
      { id: task.id, delayMs: 200, error, runMs: 5 },
    ]);
    expect(engine.calls).toEqual([1, 2, 3].map(() => ["add", task]));
  });

  it("that failed for good is followed by none", () => {
    const { reports, running, clock } = create();
    const task = running({ attempts: 3 });
    reports.failed(task, error, false);
    expect(task.state).toBe("failed");
    expect(clock.timers).toEqual([]);
  });

  it.each<[string, OffloadErrorCode, TaskState]>([
    ["cancelled", "AR_CANCELLED", "cancelled"],
    ["to be abandoned", "AR_ABANDONED", "abandoned"],
    ["past its timeout", "AR_TIMEOUT", "failed"],
  ])("of a task that is %s ends it so, whether it then succeeded or failed", async (_, code, state) => {
    const { reports, scheduler, running } = create();
    const [returned, threw] = [running(), running()];
    for (const task of [returned, threw]) task.abortedBy = stopped(code);
    reports.succeeded(returned, "too late");
    reports.failed(threw, error, true);
    for (const task of [returned, threw]) {
      expect(task.state).toBe(state);
      await expect(scheduler.result(task)).rejects.toMatchObject({ code });
    }
  });

  it("past its timeout is followed by the next like any other failure, and the next may succeed", () => {
    const { reports, running, startAgain, recorded } = create();
    const task = running({ attempts: 2 });
    task.abortedBy = stopped("AR_TIMEOUT");
    reports.failed(task, error, false);
    expect(task.state).toBe("delayed");
    expect(recorded.at(-1)).toMatchObject({
      name: "retrying",
      event: { delayMs: 100, error: expect.objectContaining({ code: "AR_TIMEOUT" }) },
    });
    startAgain(task);
    reports.succeeded(task, "at last");
    expect(task.state).toBe("succeeded");
  });

  it("of a task that was cancelled is followed by none, whatever attempts are left", () => {
    const { reports, running, clock } = create();
    const task = running({ attempts: 5 });
    task.abortedBy = stopped("AR_CANCELLED");
    reports.failed(task, error, true);
    expect(task.state).toBe("cancelled");
    expect(clock.timers).toEqual([]);
  });

  it("that comes after the end of the task means nothing", async () => {
    const { reports, scheduler, running, recorded } = create();
    const task = running({ attempts: 3 });
    reports.succeeded(task, "first");
    const before = recorded.length;
    reports.failed(task, error, true);
    reports.succeeded(task, "second");
    reports.handedOver(task);
    expect(recorded).toHaveLength(before);
    expect(await scheduler.result(task)).toBe("first");
  });

  it("that never began does not count, and the engine keeps the task", () => {
    const { reports, engine, running } = create();
    const task = running();
    reports.returned(task);
    expect([task.state, task.attempt]).toEqual(["queued", 0]);
    expect(engine.calls).toEqual([["add", task]]);
  });

  it("in another process is the end of the task in this one", async () => {
    const { reports, scheduler, running, recorded } = create();
    const task = running();
    reports.handedOver(task);
    expect(recorded.at(-1)).toMatchObject({ name: "forwarded", event: { id: task.id, state: "forwarded" } });
    await expect(scheduler.result(task)).rejects.toMatchObject({ code: "AR_RUN_ELSEWHERE" });
  });
});

describe("a backoff function", () => {
  it("may cancel its own task: there is no other attempt", async () => {
    const { reports, scheduler, engine, running, clock } = create();
    // A thread has ended the task by then and knows it no more.
    engine.stopAnswer = "ended";
    let tookEffect: boolean | undefined;
    const task: Task = running({
      attempts: 3,
      backoff: () => {
        tookEffect = scheduler.cancel(task, "of no use");
        return 0;
      },
    });
    reports.failed(task, error, true, 5);
    expect(tookEffect).toBe(true);
    expect(task.state).toBe("cancelled");
    expect(clock.timers).toEqual([]);
    await expect(scheduler.result(task)).rejects.toMatchObject({ code: "AR_CANCELLED" });
  });
});

describe("a cancel", () => {
  it.each(["held", "queued", "delayed"] as const)("of a task that is %s ends it at once", (state) => {
    const { scheduler, engine, inState, clock } = create();
    const task = inState(state);
    const removed = state === "queued" ? [["remove", task]] : [];
    engine.calls.length = 0;
    expect(scheduler.cancel(task, undefined)).toBe(true);
    expect(task.state).toBe("cancelled");
    expect(engine.calls).toEqual(removed);
    expect(clock.timers).toEqual([]);
    expect(scheduler.cancel(task, undefined)).toBe(false);
  });

  it("of a running task leaves its end to the engine", () => {
    const { reports, scheduler, running } = create();
    const task = running();
    expect(scheduler.cancel(task, undefined)).toBe(true);
    expect(task.state).toBe("running");
    reports.failed(task, error, true);
    expect(task.state).toBe("cancelled");
  });

  it("of a task that the engine takes back unbegun ends it at once", () => {
    const { scheduler, engine, running } = create();
    const task = running();
    engine.stopAnswer = "unbegun";
    expect(scheduler.cancel(task, undefined)).toBe(true);
    expect(task.state).toBe("cancelled");
  });

  it("of a task whose end is on its way changes nothing", () => {
    const { reports, scheduler, engine, running } = create();
    const task = running();
    engine.stopAnswer = "ended";
    expect(scheduler.cancel(task, undefined)).toBe(false);
    reports.succeeded(task, 1);
    expect(task.state).toBe("succeeded");
  });

  it("comes from the signal of the call, at once where that had aborted before", () => {
    const { scheduler } = create();
    const controller = new AbortController();
    const [first, second, late] = [makeTask(), makeTask(), makeTask()];
    for (const task of [first, second]) scheduler.accept(task, controller.signal);
    controller.abort();
    scheduler.accept(late, controller.signal);
    expect([first, second, late].map(({ state }) => state)).toEqual(["cancelled", "cancelled", "cancelled"]);
  });
});

describe("a task with a key", () => {
  it("comes to its engine when the one before it has ended, and not before", () => {
    const { reports, scheduler, engine, running, queued } = create();
    const definition = defineTask();
    const first = running({ key: "k" }, definition);
    const second = queued({ key: "k" }, definition);
    const third = queued({ key: "k" }, definition);
    expect(engine.calls).toEqual([["add", first]]);
    // One that waits for its turn with the key was never given to the engine.
    scheduler.cancel(second, undefined);
    reports.succeeded(first, 1);
    expect(engine.calls).toEqual([
      ["add", first],
      ["add", third],
    ]);
  });
});

describe("the last moments", () => {
  it("abandon what does not run, and ask the engine to stop what does", () => {
    const { reports, scheduler, engine, inState, ledger } = create();
    const [held, queued, running, delayed] = (["held", "queued", "running", "delayed"] as const).map(inState);
    scheduler.abandonWaiting();
    expect([held, queued, running, delayed].map((task) => task?.state)).toEqual([
      "abandoned",
      "abandoned",
      "running",
      "abandoned",
    ]);
    scheduler.abortRunning(stopped("AR_ABANDONED"));
    expect(engine.calls.slice(-2)).toEqual([
      ["halt", undefined],
      ["stop", running],
    ]);
    scheduler.abandonRunning();
    expect(ledger.unfinished).toBe(0);
    // The engine may report yet.
    reports.succeeded(running as Task, 1);
    expect(running?.state).toBe("abandoned");
  });
});

describe("the tasks module", () => {
  it("that has no task of a name fails those that wait for it, and no others", () => {
    const { reports, definitions, queued } = create();
    const [known, unknown] = [queued({}, definitions.task("known")), queued({}, definitions.task("unknown"))];
    reports.loaded(["known"]);
    expect([known.state, unknown.state]).toEqual(["queued", "failed"]);
    expect(unknown.outcome).toMatchObject({ code: "AR_UNKNOWN_TASK" });
  });

  it("that cannot be loaded fails every task, and no callback", () => {
    const { reports, definitions, queued } = create();
    // They may have the same name.
    const [task, callback] = [queued({}, definitions.task("mail")), queued({}, definitions.callback("mail"))];
    reports.unloadable(new Error("no such file"));
    expect([task.state, callback.state]).toEqual(["failed", "queued"]);
    expect(task.outcome).toMatchObject({ code: "AR_TASKS_NOT_LOADABLE" });
  });
});

describe("a failure", () => {
  it("is logged with all that is known of it, though a listener hears of it too", () => {
    const { reports, events, lines, running } = create();
    events.on("failed", () => {});
    const task = running({}, defineTask("sendMail"));
    Object.defineProperty(task, "context", { value: "request 7" });
    reports.failed(task, error, true);
    expect(lines).toEqual([
      {
        level: "error",
        message: "task failed",
        fields: {
          task: "sendMail",
          kind: "task",
          id: task.id,
          attempt: 1,
          context: "request 7",
          waitMs: expect.any(Number),
          err: error,
        },
      },
    ]);
  });

  it("of a callback is logged as one", () => {
    const { reports, lines, running } = create();
    const task = running({}, defineTask("mail", {}, "callback"));
    reports.failed(task, error, true);
    expect(lines.map(({ message }) => message)).toEqual(["callback failed"]);
    expect(name(task)).toBe(`callback mail (${task.id})`);
  });

  it("is not logged where the option says so, and no other end ever is", () => {
    const { reports, scheduler, lines, running, inState } = create();
    reports.succeeded(running(), 1);
    scheduler.cancel(inState("queued"), undefined);
    scheduler.skip(inState("held"));
    scheduler.abandonWaiting();
    expect(lines).toEqual([]);
    const quiet = create({ logsFailures: false });
    quiet.reports.failed(quiet.running(), error, true);
    expect(quiet.lines).toEqual([]);
  });
});

describe("the errors of an end", () => {
  const task = makeTask(defineTask("a"), { timeout: 250 });

  it("of a cancelled task says why, if there is a reason in words", () => {
    const who = name(task);
    expect(cancelledError(task, undefined).message).toBe(`${who} was cancelled`);
    expect(cancelledError(task, "the user left").message).toBe(`${who} was cancelled: the user left`);
    const reason = new Error("the request was aborted");
    const cancelled = cancelledError(task, reason);
    expect(cancelled).toMatchObject({ code: "AR_CANCELLED", cause: reason });
    expect(cancelled.message).toBe(`${who} was cancelled: the request was aborted`);
  });

  it("of a task past its timeout says how long that was", () => {
    expect(timeoutError(task)).toMatchObject({
      code: "AR_TIMEOUT",
      message: `${name(task)} ran longer than its timeout of 250 ms`,
    });
  });
});
