// Reads the parts of an error, whatever its getters do.
import { types } from "node:util";
import { reflect } from "../reflect.js";

/** How many causes below an error arrive: a chain may be circular or endless, and nobody reads further. */
export const mostCauses = 8;

const always: readonly string[] = ["name", "message", "stack", "cause"];
/** Fields that count although an error may hide them. `code` may also be inherited, as DOMException's is. */
const usual: readonly string[] = ["code"];
const usualOfSuppressed: readonly string[] = ["code", "error", "suppressed"];

/** Also an error of another realm, such as a vm context, which is no instance of this one's Error. */
export function isError(value: unknown): value is Error {
  return types.isNativeError(value) || value instanceof Error;
}

/** What a field holds, which may be undefined. */
export interface Field {
  readonly value: unknown;
}

/** The field `errors` of an error, read once. */
export interface Members {
  /** What an AggregateError holds, or one that is like it. */
  readonly list: readonly unknown[] | undefined;
  /** What the field is where it holds something else, as with many libraries. */
  readonly other: unknown;
}

export function membersOf(error: Error): Members {
  const errors = read(() => reflect.get(error, "errors"));
  if (!Array.isArray(errors)) return { list: undefined, other: errors };
  const list = error instanceof AggregateError || errors.some(isError) ? errors : undefined;
  return { list, other: errors };
}

/** The cause of an error, also one that is undefined. Undefined: it has none, or one that cannot be read. */
export function causeOf(error: Error): Field | undefined {
  return readField(error, "cause");
}

/**
 * The own fields of an error beside its name, message, stack and cause, as far as they can be read: those that are enumerable,
 * `code`, and the two of a SuppressedError, which are hidden. They are read in order, each as it is asked for.
 */
export function* fieldsOf(error: Error, members: Members): Generator<readonly [key: string, value: unknown]> {
  const hidden = Object.hasOwn(error, "suppressed") ? usualOfSuppressed : usual;
  for (const key of new Set([...Object.keys(error), ...hidden])) {
    if (always.includes(key) || (members.list !== undefined && key === "errors")) continue;
    const field = key === "errors" ? { value: members.other } : readField(error, key);
    if (field !== undefined) yield [key, field.value];
  }
}

function readField(error: Error, key: string): Field | undefined {
  try {
    const value: unknown = reflect.get(error, key);
    return value !== undefined || Object.hasOwn(error, key) ? { value } : undefined;
  } catch {
    return undefined;
  }
}

export function text(get: () => unknown): string | undefined {
  const value = read(get);
  return typeof value === "string" ? value : undefined;
}

/** What a function returns; undefined when it throws. */
export function read(get: () => unknown): unknown {
  try {
    return get();
  } catch {
    return undefined;
  }
}
