// The one error class: told apart by code and brand, carrying what a server needs to answer 503.
import { describe, expect, it } from "vitest";
import { errorCodes, describe as inWords, OffloadError, type OffloadErrorCode } from "../../src/base/errors.js";

const codes = Object.keys(errorCodes) as OffloadErrorCode[];
const admission = { AR_QUEUE_FULL: "1", AR_SHUTTING_DOWN: "5", AR_TASKS_NOT_LOADABLE: "30" };

class PaymentError extends OffloadError {}

describe("OffloadError", () => {
  it("is an Error with a name, a code, a message and a cause", () => {
    const cause = new Error("below");
    const error = new OffloadError("AR_TIMEOUT", "too long", { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: "OffloadError", code: "AR_TIMEOUT", message: "too long", cause });
    expect(error.stack).toMatch(/^OffloadError: too long\n\s+at /);
    expect(String(error)).toBe("OffloadError: too long");
    expect(Object.hasOwn(new OffloadError("AR_TIMEOUT", ""), "cause")).toBe(false);
  });

  it.each(Object.entries(admission))("%s carries 503 and a Retry-After of %s seconds", (code, seconds) => {
    const error = new OffloadError(code as OffloadErrorCode, "");
    expect(error).toMatchObject({ statusCode: 503, status: 503, headers: { "Retry-After": seconds } });
  });

  it("carries 413 and no Retry-After where coming back later is of no use", () => {
    const error = new OffloadError("AR_PAYLOAD_TOO_LARGE", "");
    expect(error).toMatchObject({ statusCode: 413, status: 413 });
    expect(Object.keys(error)).not.toContain("headers");
  });

  it("has the same status under both names, and a Retry-After exactly where that is 503", () => {
    for (const code of codes) {
      const { status, statusCode, headers } = new OffloadError(code, "");
      expect(status).toBe(statusCode);
      expect(headers !== undefined).toBe(status === 503);
      if (headers !== undefined) expect(headers["Retry-After"]).toMatch(/^[1-9]\d*$/);
    }
  });

  it("has no status of its own on the errors that end a task, not even an undefined one", () => {
    expect(Object.keys(new OffloadError("AR_TIMEOUT", ""))).toEqual(["code"]);
  });

  it("recognises its instances, and nothing else", () => {
    const error = new OffloadError("AR_TIMEOUT", "");
    expect(error instanceof OffloadError).toBe(true);
    for (const other of [
      new Error(""),
      {},
      null,
      undefined,
      "AR_TIMEOUT",
      { code: "AR_TIMEOUT", name: "OffloadError" },
    ]) {
      expect((other as unknown) instanceof OffloadError).toBe(false);
    }
  });

  it("a subclass has its own instances alone, and they are OffloadErrors", () => {
    const payment = new PaymentError("AR_TIMEOUT", "");
    expect(payment instanceof PaymentError).toBe(true);
    expect(payment instanceof OffloadError).toBe(true);
    expect(new OffloadError("AR_TIMEOUT", "") instanceof PaymentError).toBe(false);
  });

  it("of a second copy of the library are recognised by the first, and the other way round", async () => {
    const second = await secondCopy();
    expect(second).not.toBe(OffloadError);
    expect(new second("AR_TIMEOUT", "") instanceof OffloadError).toBe(true);
    expect(new OffloadError("AR_TIMEOUT", "") instanceof second).toBe(true);
    expect(new second("AR_TIMEOUT", "") instanceof PaymentError).toBe(false);
    expect(new Error("") instanceof second).toBe(false);
  });
});

describe("the words for a value in a message", () => {
  it.each<[unknown, string]>([
    [null, "null"],
    [undefined, "undefined"],
    [0.5, "0.5"],
    [Number.NaN, "NaN"],
    [true, "true"],
    [12n, "12n"],
    ["text", '"text"'],
    ['quoted "text"\n', '"quoted \\"text\\"\\n"'],
    ["x".repeat(61), `"${"x".repeat(57)}..."`],
    [Symbol("s"), "Symbol(s)"],
    [inWords, "the function describe"],
    [(() => () => {})(), "a function"],
    [[1, 2], "an array"],
    [{ secret: 1 }, "an object"],
    [Object.create(null), "an object"],
    [{ constructor: 1 }, "an object"],
    [new Map(), "an instance of Map"],
    [new PaymentError("AR_TIMEOUT", "secret"), "an instance of PaymentError"],
  ])("%#: %s", (value, words) => {
    expect(inWords(value)).toBe(words);
  });
});

/** The class as another file loads it from another place: bundled twice, or installed in two versions. */
async function secondCopy(): Promise<typeof OffloadError> {
  const url = "../../src/base/errors.js?second";
  const module = await import(/* @vite-ignore */ url);
  return module.OffloadError;
}
