// What options are refused with.
import { expect } from "vitest";
import { OffloadError } from "../../src/base/errors.js";

/** The message of the AR_INVALID_OPTIONS that the act throws. */
export function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (!(error instanceof OffloadError)) throw error;
    expect(error.code).toBe("AR_INVALID_OPTIONS");
    return error.message;
  }
  throw new Error("the options were accepted");
}
