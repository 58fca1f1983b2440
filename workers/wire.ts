// An error, or whatever else was thrown, taken apart so that it can cross to the main thread whatever it holds.
// Measured: posted as it is, an error with a field that cannot be cloned arrives as `{}` and kills the thread, a custom
// error loses its name and fields, `throw null` arrives as a success.
import { types } from "node:util";
import { copy } from "../src/core/payload/capture.js";
import type { WireError } from "../src/core/payload/thrown.js";
import { isNonRetryable } from "../src/core/retry/non-retryable.js";

// A cause chain may be circular or endless, the members of an AggregateError may hold each other: nobody reads further.
const maxDepth = 8;
const maxErrors = 100;
const ownFields = ["name", "message", "stack", "cause"];

/** How many errors may still be taken apart, over all that hang together. */
interface Budget {
  left: number;
}

export function toWire(thrown: unknown): WireError {
  return takeApart(thrown, 0, { left: maxErrors });
}

function takeApart(thrown: unknown, depth: number, budget: Budget): WireError {
  budget.left--;
  try {
    return isError(thrown) ? errorToWire(thrown, depth, budget) : valueToWire(thrown);
  } catch (error) {
    // A proxy that throws whatever it is asked: even then the failure is told.
    return { isError: true, name: "Error", message: `an error that cannot be read (${String(error)})` };
  }
}

function errorToWire(error: Error, depth: number, budget: Budget): WireError {
  const cause = read(() => error.cause);
  const members = membersOf(error);
  const deeper = depth < maxDepth && budget.left > 0;
  return {
    isError: true,
    name: text(() => error.name) ?? "Error",
    message: text(() => error.message) ?? "",
    stack: text(() => error.stack),
    ...(deeper && cause !== undefined && { cause: takeApart(cause, depth + 1, budget) }),
    ...(deeper && members && { errors: takeAllApart(members, depth + 1, budget) }),
    fields: fieldsOf(error, members === undefined ? ownFields : [...ownFields, "errors"]),
    ...(isNonRetryable(error) && { nonRetryable: true }),
  };
}

/** What an AggregateError holds, or one that is like it. Many libraries have a field `errors` with something else in it. */
function membersOf(error: Error): readonly unknown[] | undefined {
  const errors = read(() => Reflect.get(error, "errors"));
  if (!Array.isArray(errors)) return undefined;
  return error instanceof AggregateError || errors.some(isError) ? errors : undefined;
}

function takeAllApart(members: readonly unknown[], depth: number, budget: Budget): WireError[] {
  const taken: WireError[] = [];
  for (const member of members) if (budget.left > 0) taken.push(takeApart(member, depth, budget));
  return taken;
}

function fieldsOf(error: Error, told: readonly string[]): Record<string, unknown> | undefined {
  const fields: Record<string, unknown> = {};
  // `code` may be inherited, as DOMException's is.
  for (const key of new Set([...Object.keys(error), "code"])) {
    if (told.includes(key)) continue;
    const value = cloneable(() => Reflect.get(error, key));
    if (value !== undefined) fields[key] = value;
  }
  return Object.keys(fields).length > 0 ? fields : undefined;
}

/** Also an error of another realm, such as a vm context, which is no instance of this one's Error. */
function isError(value: unknown): value is Error {
  return types.isNativeError(value) || value instanceof Error;
}

function valueToWire(thrown: unknown): WireError {
  const value = cloneable(() => thrown);
  return {
    isError: false,
    name: "NotAnError",
    message: inWords(thrown),
    ...(value !== undefined && { thrown: value }),
  };
}

function inWords(thrown: unknown): string {
  if (typeof thrown === "string") return JSON.stringify(thrown);
  if (typeof thrown === "object" && thrown !== null) return "an object";
  return typeof thrown === "function" ? "a function" : String(thrown);
}

function text(get: () => unknown): string | undefined {
  const value = read(get);
  return typeof value === "string" ? value : undefined;
}

/** What a getter returns; undefined when it throws. */
function read(get: () => unknown): unknown {
  try {
    return get();
  } catch {
    return undefined;
  }
}

function cloneable(read: () => unknown): unknown {
  try {
    return copy(read());
  } catch {
    return undefined;
  }
}
