// An error, or whatever else was thrown, taken apart so that it can cross to the main thread whatever it holds.
// Measured: posted as it is, an error with a field that cannot be cloned arrives as `{}` and kills the thread, a custom
// error loses its name and fields, `throw null` arrives as a success.
import { isNonRetryable } from "../retry/non-retryable.js";
import { capture } from "./capture.js";
import type { WireError } from "./thrown.js";
import { causeOf, fieldsOf, isError, type Members, membersOf, mostCauses, read, text } from "./walk/error-parts.js";
import { toWireForm, type WireForm } from "./wire-form.js";

/** The members of an AggregateError may hold each other, so the depth alone is no limit. */
const maxErrors = 100;

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
    // A proxy that throws whatever it is asked: even then the failure is reported.
    return { isError: true, name: "Error", message: `an error that cannot be read (${String(error)})` };
  }
}

function errorToWire(error: Error, depth: number, budget: Budget): WireError {
  const cause = causeOf(error);
  const members = membersOf(error);
  const deeper = depth < mostCauses && budget.left > 0;
  return {
    isError: true,
    name: text(() => error.name) ?? "Error",
    message: text(() => error.message) ?? "",
    stack: text(() => error.stack),
    ...(deeper && cause !== undefined && { cause: takeApart(cause.value, depth + 1, budget) }),
    ...(deeper && members.list && { errors: takeAllApart(members.list, depth + 1, budget) }),
    fields: carryFields(error, members),
    ...(isNonRetryable(error) && { nonRetryable: true }),
  };
}

function takeAllApart(members: readonly unknown[], depth: number, budget: Budget): WireError[] {
  const taken: WireError[] = [];
  for (const member of members) if (budget.left > 0) taken.push(takeApart(member, depth, budget));
  return taken;
}

function valueToWire(thrown: unknown): WireError {
  const value = read(() => carry(thrown));
  return {
    isError: false,
    name: "NotAnError",
    message: inWords(thrown),
    ...(value !== undefined && { thrown: value }),
  };
}

/** A field that cannot be copied is left out. */
function carryFields(error: Error, members: Members): Record<string, WireForm> | undefined {
  let fields: Record<string, WireForm> | undefined;
  for (const [key, field] of fieldsOf(error, members)) {
    const carried = read(() => carry(field));
    if (carried === undefined && field !== undefined) continue;
    fields ??= {};
    Object.defineProperty(fields, key, { value: carried, enumerable: true, configurable: true, writable: true });
  }
  return fields;
}

function inWords(thrown: unknown): string {
  if (typeof thrown === "string") return JSON.stringify(thrown);
  if (typeof thrown === "object" && thrown !== null) return "an object";
  return typeof thrown === "function" ? "a function" : String(thrown);
}

function carry(value: unknown): WireForm {
  return toWireForm(capture(value));
}
