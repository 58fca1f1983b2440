// The message of the refusal of a payload that cannot arrive.
import { expect } from "vitest";
import { OffloadError } from "../../../src/base/errors.js";
import { copy } from "../../../src/core/payload/capture.js";

export function refusal(payload: unknown): string {
  try {
    copy(payload);
  } catch (error) {
    if (!(error instanceof OffloadError)) throw error;
    expect(error.code).toBe("AR_PAYLOAD_NOT_CLONEABLE");
    return error.message;
  }
  throw new Error("nothing was thrown");
}
