// Errors as they come back from a thread, put together again.
import { OffloadError } from "../../base/errors.js";
import { restore } from "./restore.js";
import { classNumber, emptyError, fillError } from "./stream/make-error.js";
import { fromWireForm, type WireForm } from "./wire-form.js";

/** An error on its way between threads, in parts that can always be cloned. */
export interface WireError {
  /** False for `throw "text"`: then `thrown` is what was thrown, as far as it can be cloned. */
  readonly isError: boolean;
  readonly thrown?: WireForm;
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly cause?: WireError | undefined;
  readonly errors?: readonly WireError[] | undefined;
  /** Own fields beside these, `code` among them, each captured. */
  readonly fields?: Readonly<Record<string, WireForm>> | undefined;
  /** Another attempt is of no use, as the task has declared by a NonRetryableError. */
  readonly nonRetryable?: true | undefined;
}

/**
 * The error that a task threw, with its name, message, stack, code, cause, members and own fields. A built-in error class
 * is kept; a class of the user's cannot be, its name is.
 */
export function toError(wire: WireError): Error {
  if (!wire.isError) {
    const message = `the task threw ${wire.message}, which is not an Error`;
    return new OffloadError("AR_NOT_AN_ERROR", message, { cause: restore(fromWireForm(wire.thrown)) });
  }
  const { name, message, stack } = wire;
  const error = emptyError(wire.errors !== undefined, classNumber(name));
  const cause = wire.cause && { cause: toThrown(wire.cause) };
  fillError(error, { name, message, stack, ...cause, errors: wire.errors?.map(toThrown), fields: opened(wire.fields) });
  return error;
}

/** A cause or a member, which need not be an error. */
function toThrown(wire: WireError): unknown {
  return wire.isError ? toError(wire) : restore(fromWireForm(wire.thrown));
}

function opened(fields: WireError["fields"]): Record<string, unknown> | undefined {
  return (
    fields && Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, restore(fromWireForm(field))]))
  );
}
