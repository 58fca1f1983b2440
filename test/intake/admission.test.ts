// Who is admitted: as many tasks and bytes as may be unfinished, and nobody after the end.
import { describe, expect, it } from "vitest";
import { OffloadError } from "../../src/base/errors.js";
import type { Task } from "../../src/core/task.js";
import { Admission } from "../../src/intake/admission.js";
import { createLedger, makeTask } from "../support/tasks.js";

function create(max: number, maxBytes = Number.POSITIVE_INFINITY) {
  const { ledger } = createLedger();
  const accept = (payload?: unknown): Task => {
    const task = makeTask(undefined, {}, { payload });
    ledger.accept(task);
    return task;
  };
  const end = (task: Task) => ledger.cancelled(task, new OffloadError("AR_CANCELLED", ""));
  return { admission: new Admission(ledger, { max, maxBytes }), accept, end };
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
      admission.check([]);
      return accept();
    });
    const error = refusal(() => admission.check([]));
    expect(error).toMatchObject({ code: "AR_QUEUE_FULL", statusCode: 503, headers: { "Retry-After": "1" } });
    expect(error.message).toBe("queue.max (3) tasks are unfinished: 3 held, 0 queued, 0 delayed, 0 running");
    end(tasks[0] as Task);
    expect(() => admission.check([])).not.toThrow();
  });

  it("lets one in that takes the place of another", () => {
    const { admission, accept } = create(1);
    const leaving = [accept()];
    expect(() => admission.check(leaving)).not.toThrow();
    expect(refusal(() => admission.check([])).code).toBe("AR_QUEUE_FULL");
  });

  it("lets everybody in where there is no limit", () => {
    const { admission, accept } = create(Number.POSITIVE_INFINITY);
    for (let i = 0; i < 1_000; i++) accept();
    expect(() => admission.check([])).not.toThrow();
  });

  it("closed lets nobody in, and says why before it counts", () => {
    const { admission, accept } = create(1);
    expect(admission.closed).toBe(false);
    const task = accept();
    admission.close();
    admission.close();
    expect(admission.closed).toBe(true);
    for (const leaving of [[], [task]]) {
      const error = refusal(() => admission.check(leaving));
      expect(error).toMatchObject({ code: "AR_SHUTTING_DOWN", statusCode: 503, headers: { "Retry-After": "5" } });
    }
  });

  it("lets in as many bytes as the unfinished may hold together, and more when some have ended", () => {
    const { admission, accept, end } = create(10, 100);
    const tasks = [accept("x".repeat(60)), accept("x".repeat(30))];
    expect(() => admission.check([], 10)).not.toThrow();
    const error = refusal(() => admission.check([], 11));
    expect(error).toMatchObject({ code: "AR_QUEUE_FULL", statusCode: 503, headers: { "Retry-After": "1" } });
    expect(error.message).toBe(
      "queue.maxBytes (100) has no room for a payload of 11 bytes: the unfinished tasks hold 90 " +
        "(2 held, 0 queued, 0 delayed, 0 running)",
    );
    end(tasks[0] as Task);
    expect(() => admission.check([], 70)).not.toThrow();
    expect(refusal(() => admission.check([], 71)).code).toBe("AR_QUEUE_FULL");
  });

  it("gives the room of those that leave to the one that takes their place", () => {
    const { admission, accept } = create(10, 100);
    const leaving = [accept("x".repeat(60)), accept("x".repeat(30))];
    expect(() => admission.check(leaving, 100)).not.toThrow();
    expect(() => admission.check(leaving.slice(0, 1), 70)).not.toThrow();
    expect(refusal(() => admission.check(leaving.slice(0, 1), 71)).code).toBe("AR_QUEUE_FULL");
  });

  it("asks nobody to come back with what would not fit into an empty queue", () => {
    const { admission, accept } = create(10, 100);
    for (const leaving of [[], [accept("x".repeat(60))]]) {
      const error = refusal(() => admission.check(leaving, 101));
      expect(error).toMatchObject({ code: "AR_PAYLOAD_TOO_LARGE", statusCode: 413 });
      expect(error.headers).toBeUndefined();
      expect(error.message).toBe(
        "the payload and its context hold 101 bytes, more than queue.maxBytes (100) allows all unfinished tasks together; " +
          "send a key or a path instead of the content, or raise queue.maxBytes",
      );
    }
  });
});
