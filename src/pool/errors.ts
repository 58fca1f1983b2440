// Errors as they come back from a thread, put together again.
import { OffloadError } from "../task/errors.js";
import type { WireError } from "./protocol.js";

const builtIn: Record<string, ErrorConstructor> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

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
    ? new AggregateError(wire.errors.map(toError), wire.message)
    : new (builtIn[wire.name] ?? Error)(wire.message);
  if (error.name !== wire.name) define(error, "name", wire.name);
  define(error, "stack", wire.stack ?? `${wire.name}: ${wire.message}`);
  if (wire.cause !== undefined) define(error, "cause", wire.cause.isError ? toError(wire.cause) : wire.cause.thrown);
  for (const [key, value] of Object.entries(wire.fields ?? {})) {
    Object.defineProperty(error, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return error;
}

function define(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, enumerable: false, configurable: true, writable: true });
}
