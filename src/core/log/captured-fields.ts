// The fields of a task's log line, on their way to the logger. A line is never lost because of what is in it, and a
// field never fails the task that logs it.
import { inspect } from "node:util";
import { captureForMoving } from "../payload/capture.js";
import type { Captured } from "../payload/payload.js";
import { restore } from "../payload/restore.js";
import { isError } from "../payload/walk/error-parts.js";

/** By name. */
export type CapturedFields = Readonly<Record<string, Captured>>;

/**
 * Each field captured, so that it arrives as it would in a result; in words where it cannot be copied. An error in the place
 * of the fields is the field `err`: spread, it would lose its message and stack.
 */
export function captureFields(fields: object): CapturedFields {
  if (isError(fields)) return { err: captureField(() => fields) };
  const names = keysOf(fields);
  return Object.fromEntries(names.map((name) => [name, captureField(() => (fields as Record<string, unknown>)[name])]));
}

/** @param unpack what makes a captured field of one that crossed threads */
export function restoreFields(
  fields: Readonly<Record<string, unknown>>,
  unpack: (field: unknown) => Captured = (field) => field,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, restore(unpack(field))]));
}

function keysOf(fields: object): string[] {
  try {
    return Object.keys(fields);
  } catch {
    // A proxy that refuses to be looked at.
    return [];
  }
}

function captureField(read: () => unknown): Captured {
  let value: unknown;
  try {
    value = read();
    return captureForMoving(value, "field");
  } catch (error) {
    // What cannot be read has not set `value`: then the error is what there is to show.
    return inWords(value ?? error);
  }
}

function inWords(value: unknown): string {
  try {
    return inspect(value, { depth: 2 });
  } catch {
    return "a value that cannot be shown";
  }
}
