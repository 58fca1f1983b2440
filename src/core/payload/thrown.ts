// Errors as they come back from a thread, put together again.
import { OffloadError } from "../../base/errors.js";

/** An error on its way between threads, in parts that can always be cloned. */
export interface WireError {
  /** False for `throw "text"`: then `thrown` is what was thrown, as far as it can be cloned. */
  readonly isError: boolean;
  readonly thrown?: unknown;
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly cause?: WireError | undefined;
  readonly errors?: readonly WireError[] | undefined;
  /** Own fields beside these, `code` among them. */
  readonly fields?: Readonly<Record<string, unknown>> | undefined;
  /** The task said that another attempt is of no use. */
  readonly nonRetryable?: true | undefined;
}

// A map, for an error may be called "constructor".
const builtIn = new Map<string, ErrorConstructor>(
  [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((type) => [type.name, type]),
);

/**
 * The error that a task threw, with its name, message, stack, code, cause, members and own fields. A built-in error class
 * is kept; a class of the user's cannot be, its name is.
 */
export function toError(wire: WireError): Error {
  if (!wire.isError) {
    const message = `the task threw ${wire.message}, which is not an Error`;
    return new OffloadError("AR_NOT_AN_ERROR", message, { cause: wire.thrown });
  }
  const error = wire.errors
    ? new AggregateError(wire.errors.map(toThrown), wire.message)
    : new (builtIn.get(wire.name) ?? Error)(wire.message);
  if (error.name !== wire.name) define(error, "name", wire.name);
  define(error, "stack", wire.stack ?? `${wire.name}: ${wire.message}`);
  if (wire.cause !== undefined) define(error, "cause", toThrown(wire.cause));
  for (const [key, value] of Object.entries(wire.fields ?? {})) {
    Object.defineProperty(error, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return error;
}

/** A cause or a member, which need not be an error. */
function toThrown(wire: WireError): unknown {
  return wire.isError ? toError(wire) : wire.thrown;
}

function define(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, enumerable: false, configurable: true, writable: true });
}
