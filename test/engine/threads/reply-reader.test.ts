// Reading the outcomes of a reply in the order of the batch.
import { describe, expect, it } from "vitest";
import { capture } from "../../../src/core/payload/capture.js";
import { restore } from "../../../src/core/payload/restore.js";
import { toWireForm } from "../../../src/core/payload/wire-form.js";
import { LostResult } from "../../../src/core/result.js";
import { type FailureForm, failureOf } from "../../../src/engine/threads/slots/failure-form.js";
import { ReplyReader } from "../../../src/engine/threads/slots/reply-reader.js";
import { slotState } from "../../../src/engine/threads/slots/slot-memory.js";
import { makeTask } from "../../support/tasks.js";

const oneFailure = { isError: true, name: "Error", message: "no" };

/** The code and message of the error that stands for a result. */
function lost(value: unknown): string {
  if (!(value instanceof LostResult)) throw new Error("expected a lost result");
  const { code, message } = value.error(makeTask());
  return `${code} ${message}`;
}

function messageOf(failure: FailureForm | undefined): string | undefined {
  return failure && failureOf(failure).message;
}

describe("a reply", () => {
  it("has its values and its failures, each in the order of the batch", () => {
    const values = [1, "two", [3]].map((value) => toWireForm(capture(value)));
    const reader = new ReplyReader([0, values, [oneFailure, { ...oneFailure, message: "never" }]]);
    expect(reader.value()).toBe(1);
    expect(messageOf(reader.failure())).toBe("no");
    expect(reader.value()).toBe("two");
    expect(messageOf(reader.failure())).toBe("never");
    expect(restore(reader.value())).toEqual([3]);
  });

  it("says why a value stayed behind", () => {
    const kept = [
      [1, null],
      [2, "result.fn is a function"],
    ] as const;
    const reader = new ReplyReader([0, ["first", undefined, undefined, "last"], undefined, kept]);
    expect(reader.value()).toBe("first");
    expect(lost(reader.value())).toMatch(/^AR_RESULT_NOT_KEPT .*nobody had asked for it/);
    expect(lost(reader.value())).toMatch(/^AR_RESULT_NOT_CLONEABLE .*result\.fn is a function/);
    expect(reader.value()).toBe("last");
  });

  it("has the outcome of a task that returned nothing, or was withdrawn, whatever is in it", () => {
    for (const reply of [undefined, 0, [0, undefined] as const]) {
      const reader = new ReplyReader(reply);
      expect([slotState.succeeded, slotState.withdrawn].map((value) => reader.has(value))).toEqual([true, true]);
      expect([slotState.waiting, slotState.begun, slotState.stopping].map((value) => reader.has(value))).toEqual([
        false,
        false,
        false,
      ]);
    }
  });

  it("has the outcome of one that returned or failed as long as there is an unread one", () => {
    const reader = new ReplyReader([0, [1], [oneFailure]]);
    expect([reader.has(slotState.returned), reader.has(slotState.failed)]).toEqual([true, true]);
    reader.value();
    expect([reader.has(slotState.returned), reader.has(slotState.failed)]).toEqual([false, true]);
    reader.failure();
    expect([reader.has(slotState.returned), reader.has(slotState.failed)]).toEqual([false, false]);
  });

  it("that was never sent gives lost results, and no error", () => {
    const reader = new ReplyReader(undefined);
    expect(lost(reader.value())).toMatch(/^AR_RESULT_NOT_KEPT .*lost with its thread/);
    expect(reader.failure()).toBeUndefined();
  });
});
