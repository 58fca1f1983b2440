// An error, taken apart in the thread, posted, and put together again.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OffloadError } from "../../../src/base/errors.js";
import { toError } from "../../../src/core/payload/thrown.js";
import { toWire } from "../../../src/core/payload/to-wire.js";
import { isNonRetryable, NonRetryableError } from "../../../src/core/retry/non-retryable.js";
import { makeSuppressed } from "./payloads.js";

/** As postMessage does it. */
function crossed(thrown: unknown): Error {
  return toError(structuredClone(toWire(thrown)));
}

const text = fc.oneof(
  fc.string(),
  fc.constantFrom("constructor", "toString", "__proto__", "stack", "cause", "errors", ""),
);

/** Whatever code may throw: errors with all kinds of fields, causes and members, and things that are no errors. */
const thrown: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: "small" },
    tie("error"),
    fc.anything({ withSparseArray: true, withBigInt: true, withDate: true }),
  ),
  error: fc
    .record({
      type: fc.constantFrom(Error, RangeError, TypeError, AggregateError, NonRetryableError),
      message: text,
      name: fc.option(text),
      cause: fc.option(tie("any")),
      errors: fc.option(fc.array(tie("any"), { maxLength: 3 })),
      fields: fc.dictionary(
        text,
        fc.oneof(
          fc.anything(),
          fc.constant(() => {}),
          fc.constant(Symbol("field")),
        ),
      ),
    })
    .map(({ type, message, name, cause, errors, fields }) => {
      const error = type === AggregateError ? new AggregateError([], message) : new (type as ErrorConstructor)(message);
      const own = {
        ...fields,
        ...(cause !== null && { cause }),
        ...(errors && { errors }),
        ...(name !== null && { name }),
      };
      for (const [key, value] of Object.entries(own)) {
        Object.defineProperty(error, key, { value, enumerable: true, configurable: true, writable: true });
      }
      return error;
    }),
})).any;

describe("an error on its way from a thread", () => {
  it("arrives, whatever it is, as an Error with a message", () => {
    fc.assert(
      fc.property(thrown, (value) => {
        const error = crossed(value);
        expect(error).toBeInstanceOf(Error);
        expect(typeof error.message).toBe("string");
        expect(typeof error.stack).toBe("string");
        if (value instanceof Error && typeof value.message === "string") expect(error.message).toBe(value.message);
        if (!(value instanceof Error)) expect(error).toMatchObject({ code: "AR_NOT_AN_ERROR" });
      }),
      { numRuns: 300 },
    );
  });

  it("keeps what says that it is of no use to try again, also for a class of another copy of the library", () => {
    class Final extends NonRetryableError {}
    expect(toWire(new Final("no")).nonRetryable).toBe(true);
    expect(toWire(new Error("maybe")).nonRetryable).toBeUndefined();
    const other = Object.defineProperty(new Error("no"), Symbol.for("offload-after-response.NonRetryableError"), {
      value: true,
    });
    expect(isNonRetryable(other)).toBe(true);
  });

  it("keeps an OffloadError's code, as the error of a task that itself uses the library", () => {
    const error = crossed(new OffloadError("AR_QUEUE_FULL", "full"));
    expect(error).toMatchObject({ name: "OffloadError", code: "AR_QUEUE_FULL", statusCode: 503 });
  });

  it("keeps what a SuppressedError holds, also one within another", () => {
    const inner = makeSuppressed(new RangeError("second"), new TypeError("first"));
    const error = crossed(makeSuppressed(new Error("third"), inner));
    expect(error).toMatchObject({ name: "SuppressedError", error: new Error("third") });
    expect(Reflect.get(error, "suppressed")).toMatchObject({
      name: "SuppressedError",
      error: new RangeError("second"),
      suppressed: new TypeError("first"),
    });
  });

  it("hides its stack and name among the fields, as errors do", () => {
    const error = crossed(Object.assign(new Error("m"), { name: "Named", code: "E" }));
    expect(Object.keys(error)).toEqual(["code"]);
    expect(Object.keys(crossed(new Error("m")))).toEqual([]);
  });

  it("is bounded, however many errors hang together", () => {
    const members = Array.from({ length: 10_000 }, (_, index) => new Error(`${index}`));
    const error = crossed(new AggregateError(members, "many"));
    expect((error as AggregateError).errors.length).toBe(99);
    expect((error as AggregateError).errors[0]).toMatchObject({ message: "0" });
  });
});
