// An error, or whatever else was thrown, taken apart so that it can cross to the main thread whatever it holds.
// Measured: posted as it is, an error with a field that cannot be cloned arrives as `{}` and kills the thread, a custom
// error loses its name and fields, `throw null` arrives as a success.

import type { WireError } from "../src/pool/protocol.js";
import { copy } from "../src/task/capture.js";
import { isNonRetryable } from "./non-retryable.js";

// A cause chain may be circular or endless; nobody reads further than this.
const maxDepth = 8;
const ownFields = new Set(["name", "message", "stack", "cause", "errors"]);

export function toWire(thrown: unknown, depth = 0): WireError {
  try {
    return thrown instanceof Error ? errorToWire(thrown, depth) : valueToWire(thrown);
  } catch (error) {
    // A getter that throws, a proxy: even then the failure is told.
    return { isError: true, name: "Error", message: `an error that cannot be read (${String(error)})` };
  }
}

function errorToWire(error: Error, depth: number): WireError {
  const { cause } = error;
  const errors: unknown = Reflect.get(error, "errors");
  const deeper = depth < maxDepth;
  return {
    isError: true,
    name: String(error.name),
    message: String(error.message),
    stack: typeof error.stack === "string" ? error.stack : undefined,
    ...(deeper && cause !== undefined && { cause: toWire(cause, depth + 1) }),
    ...(deeper && Array.isArray(errors) && { errors: errors.map((item) => toWire(item, depth + 1)) }),
    fields: fieldsOf(error),
    ...(isNonRetryable(error) && { nonRetryable: true }),
  };
}

function fieldsOf(error: Error): Record<string, unknown> | undefined {
  const fields: Record<string, unknown> = {};
  // `code` may be inherited, as DOMException's is.
  for (const key of new Set([...Object.keys(error), "code"])) {
    if (ownFields.has(key)) continue;
    const value = cloneable(() => Reflect.get(error, key));
    if (value !== undefined) fields[key] = value;
  }
  return Object.keys(fields).length > 0 ? fields : undefined;
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

function cloneable(read: () => unknown): unknown {
  try {
    return copy(read());
  } catch {
    return undefined;
  }
}
