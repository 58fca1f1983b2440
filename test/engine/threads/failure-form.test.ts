// A failure crosses as text where that loses nothing, and comes out as the error that the parts make.
import { describe, expect, it } from "vitest";
import { toError } from "../../../src/core/payload/thrown.js";
import { toWire } from "../../../src/core/payload/to-wire.js";
import { NonRetryableError } from "../../../src/core/retry/non-retryable.js";
import { failureOf, isRetryable, toFailureForm } from "../../../src/engine/threads/slots/failure-form.js";

const withCause = new Error("outer", { cause: new RangeError("inner") });
const withFields = (fields: object): Error => Object.assign(new TypeError("failed"), fields);

describe("a failure in a reply", () => {
  it.each<[string, unknown, "string" | "object"]>([
    ["a plain error", new Error("plain"), "string"],
    ["an error with a code and plain fields", withFields({ code: "E_CODE", retry: true, at: 3, of: null }), "string"],
    ["an empty message", new RangeError(""), "string"],
    ["a lone surrogate and quotes", new Error('\ud800 "quoted" \n'), "string"],
    ["a cause", withCause, "object"],
    ["members", new AggregateError([new Error("one")], "many"), "object"],
    ["a field that is an object", withFields({ detail: { a: 1 } }), "object"],
    ["a field that JSON would change", withFields({ zero: -0, big: 10n, none: Number.NaN }), "object"],
    ["a field named __proto__", withFields(JSON.parse('{ "__proto__": "x" }')), "string"],
    ["what is no error", "thrown text", "object"],
    ["undefined", undefined, "object"],
  ])("with %s is the same error as its parts make", (_, thrown, kind) => {
    const wire = toWire(thrown);
    const form = structuredClone(toFailureForm(wire));
    expect(typeof form).toBe(kind);
    const [made, expected] = [failureOf(form), toError(wire)];
    expect({ ...made }).toEqual({ ...expected });
    expect([made.name, made.message, made.cause]).toEqual([expected.name, expected.message, expected.cause]);
    // Of what is no error the stack is made here.
    if (thrown instanceof Error) expect(made.stack).toBe(thrown.stack);
    expect(Reflect.ownKeys(made).sort()).toEqual(Reflect.ownKeys(expected).sort());
  });

  it("says whether another attempt may be of use", () => {
    expect(isRetryable(toFailureForm(toWire(new Error("again"))))).toBe(true);
    expect(isRetryable(toFailureForm(toWire(new NonRetryableError("never"))))).toBe(false);
    expect(isRetryable(toFailureForm(toWire(new NonRetryableError("never", { cause: withCause }))))).toBe(false);
  });
});
