// What follows an attempt: success, another one, or the end; once a task was told to end, it ends as it was told.
import { describe, expect, it } from "vitest";
import { OffloadError, type OffloadErrorCode } from "../../src/base/errors.js";
import { Attempts, cancelledError, timeoutError } from "../../src/core/attempts.js";
import type { Dispatch, Task } from "../../src/core/task.js";
import { createLedger, defineTask, makeTask, recordEvents } from "../support/tasks.js";

function create() {
  const { ledger, events } = createLedger();
  const retries: [Task, number, unknown, number | undefined][] = [];
  const attempts = new Attempts(ledger, (task, delayMs, error, runMs) => {
    retries.push([task, delayMs, error, runMs]);
    ledger.delayed(task, delayMs, error, runMs);
  });
  function running(dispatch: Partial<Dispatch> = {}): Task {
    const task = makeTask(defineTask(), { backoff: (attempt) => attempt * 100, ...dispatch });
    ledger.accept(task);
    start(task);
    return task;
  }
  function start(task: Task): void {
    ledger.queued(task);
    ledger.started(task);
  }
  return { ledger, attempts, retries, running, start, heard: recordEvents(events) };
}

const error = new Error("failed");

function told(code: OffloadErrorCode): OffloadError {
  return new OffloadError(code, "told to end");
}

describe("the end of an attempt", () => {
  it("that succeeded is the end of the task", async () => {
    const { ledger, attempts, running } = create();
    const task = running({ attempts: 3 });
    attempts.succeeded(task, "value", 12);
    expect(task.state).toBe("succeeded");
    expect(await ledger.result(task)).toBe("value");
  });

  it("that failed is followed by the next, after the backoff, until the last", () => {
    const { attempts, retries, running, start } = create();
    const task = running({ attempts: 3 });
    for (const attempt of [1, 2]) {
      attempts.failed(task, error, true, 5);
      expect([task.state, task.attempt]).toEqual(["delayed", attempt]);
      start(task);
    }
    attempts.failed(task, error, true, 5);
    expect([task.state, task.attempt]).toEqual(["failed", 3]);
    expect(retries).toEqual([
      [task, 100, error, 5],
      [task, 200, error, 5],
    ]);
  });

  it("that failed for good is followed by none", () => {
    const { attempts, retries, running } = create();
    const task = running({ attempts: 3 });
    attempts.failed(task, error, false);
    expect(task.state).toBe("failed");
    expect(retries).toEqual([]);
  });

  it.each<[string, OffloadErrorCode, string]>([
    ["cancelled", "AR_CANCELLED", "cancelled"],
    ["to be abandoned", "AR_ABANDONED", "abandoned"],
    ["past its timeout", "AR_TIMEOUT", "failed"],
  ])("of a task that is %s ends it so, whether it then succeeded or failed", async (_, code, state) => {
    const { ledger, attempts, running } = create();
    const [returned, threw] = [running(), running()];
    for (const task of [returned, threw]) task.abortedBy = told(code);
    attempts.succeeded(returned, "too late");
    attempts.failed(threw, error, true);
    for (const task of [returned, threw]) {
      expect(task.state).toBe(state);
      await expect(ledger.result(task)).rejects.toMatchObject({ code });
    }
  });

  it("past its timeout is followed by the next like any other failure, and the next may succeed", () => {
    const { attempts, retries, running, start } = create();
    const task = running({ attempts: 2 });
    task.abortedBy = told("AR_TIMEOUT");
    attempts.failed(task, error, false);
    expect(task.state).toBe("delayed");
    expect(retries).toEqual([[task, 100, expect.objectContaining({ code: "AR_TIMEOUT" }), undefined]]);
    start(task);
    attempts.succeeded(task, "at last");
    expect(task.state).toBe("succeeded");
  });

  it("of a task that was cancelled is followed by none, whatever attempts are left", () => {
    const { attempts, retries, running } = create();
    const task = running({ attempts: 5 });
    task.abortedBy = told("AR_CANCELLED");
    attempts.failed(task, error, true);
    expect(task.state).toBe("cancelled");
    expect(retries).toEqual([]);
  });

  it("that comes after the end of the task means nothing", async () => {
    const { ledger, attempts, running, heard } = create();
    const task = running({ attempts: 3 });
    attempts.succeeded(task, "first");
    const before = heard.length;
    attempts.failed(task, error, true);
    attempts.succeeded(task, "second");
    expect(heard).toHaveLength(before);
    expect(await ledger.result(task)).toBe("first");
  });
});

describe("the errors of an end", () => {
  it("of a cancelled task says why, if there is a reason in words", () => {
    expect(cancelledError("task a (1)", undefined).message).toBe("task a (1) was cancelled");
    expect(cancelledError("task a (1)", "the user left").message).toBe("task a (1) was cancelled: the user left");
    const reason = new Error("the request was aborted");
    const cancelled = cancelledError("task a (1)", reason);
    expect(cancelled).toMatchObject({ code: "AR_CANCELLED", cause: reason });
    expect(cancelled.message).toBe("task a (1) was cancelled: the request was aborted");
  });

  it("of a task past its timeout says how long that was", () => {
    expect(timeoutError("task a (1)", 250)).toMatchObject({
      code: "AR_TIMEOUT",
      message: "task a (1) ran longer than its timeout of 250 ms",
    });
  });
});
