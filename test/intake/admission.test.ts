// Who is let in: as many as may be unfinished, and nobody after the end.
import { describe, expect, it } from "vitest";
import { OffloadError } from "../../src/base/errors.js";
import type { Task } from "../../src/core/task.js";
import { Admission } from "../../src/intake/admission.js";
import { createLedger, makeTask } from "../support/tasks.js";

function create(max: number): { admission: Admission; accept: () => Task; end: (task: Task) => void } {
  const { ledger } = createLedger();
  const accept = () => {
    const task = makeTask();
    ledger.accept(task);
    return task;
  };
  const end = (task: Task) => ledger.cancelled(task, new OffloadError("AR_CANCELLED", ""));
  return { admission: new Admission(ledger, max), accept, end };
}

function refusal(act: () => void): OffloadError {
  try {
    act();
  } catch (error) {
    if (error instanceof OffloadError) return error;
    throw error;
  }
  throw new Error("it was let in");
}

describe("admission", () => {
  it("lets in as many as may be unfinished, in whatever state, and one more for each that ends", () => {
    const { admission, accept, end } = create(3);
    const tasks = [1, 2, 3].map(() => {
      admission.check(0);
      return accept();
    });
    const error = refusal(() => admission.check(0));
    expect(error).toMatchObject({ code: "AR_QUEUE_FULL", statusCode: 503, headers: { "Retry-After": "1" } });
    expect(error.message).toBe("queue.max (3) tasks are unfinished: 3 held, 0 queued, 0 delayed, 0 running");
    end(tasks[0] as Task);
    expect(() => admission.check(0)).not.toThrow();
  });

  it("lets one in that takes the place of another", () => {
    const { admission, accept } = create(1);
    accept();
    expect(() => admission.check(1)).not.toThrow();
    expect(refusal(() => admission.check(0)).code).toBe("AR_QUEUE_FULL");
  });

  it("lets everybody in where there is no limit", () => {
    const { admission, accept } = create(Number.POSITIVE_INFINITY);
    for (let i = 0; i < 1_000; i++) accept();
    expect(() => admission.check(0)).not.toThrow();
  });

  it("closed lets nobody in, and says why before it counts", () => {
    const { admission, accept } = create(1);
    expect(admission.closed).toBe(false);
    accept();
    admission.close();
    admission.close();
    expect(admission.closed).toBe(true);
    for (const leaving of [0, 1]) {
      const error = refusal(() => admission.check(leaving));
      expect(error).toMatchObject({ code: "AR_SHUTTING_DOWN", statusCode: 503, headers: { "Retry-After": "5" } });
    }
  });
});
