// An error of a broker or of its client, as the log and `stats()` may have it.

import type { WireError } from "../../../core/payload/thrown.js";
import { toWire } from "../../../core/payload/to-wire.js";

/**
 * Its name, message, code and stack. Other fields are left out: ioredis keeps the command with its arguments, which are the password or the
 * payloads of tasks, and pg the row that was refused.
 */
export function brokerError(thrown: unknown): WireError {
  const given = thrown instanceof Error ? thrown : new Error(String(thrown));
  const { name, stack, code } = given as NodeJS.ErrnoException;
  const error = new Error(messageOf(given));
  return toWire(Object.assign(error, { name, stack, ...(typeof code === "string" && { code }) }));
}

/** Node.js leaves it empty where every address of a host has refused. */
function messageOf(error: Error): string {
  const [first] = error instanceof AggregateError ? error.errors : [];
  return error.message === "" && first instanceof Error ? first.message : error.message;
}
