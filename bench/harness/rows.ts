// The nested payload of the benchmarks: rows of users, as a form, a spreadsheet or a database gives them.
import { serialize } from "node:v8";
import type { Row } from "../threads/tasks.js";

/** So many rows, all different, so that nothing is shared between two of them. */
export function makeRows(count: number): Row[] {
  return Array.from({ length: count }, (_, id) => ({
    id,
    name: `Ada Lovelace the ${id}th`,
    email: `ada.lovelace+${id}@example.org`,
    active: id % 3 !== 0,
    score: id * 0.25,
    tags: ["customer", `region ${id % 16}`, `cohort ${id % 52}`],
    address: { street: `${id} St James's Square`, city: "London", zip: String(10_000 + (id % 90_000)) },
  }));
}

/** An object of so many fields, as a parsed form or a table of counters gives it. */
export function makeFields(count: number): Record<string, string | number> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, id) => [`field ${id}`, id % 3 === 0 ? `value ${id}` : id]),
  );
}

/** How many rows come nearest to so many bytes in V8's format; at least one. */
export function rowsOf(bytes: number): number {
  const sample = 100;
  const perRow = serialize(makeRows(sample)).length / sample;
  return Math.max(1, Math.round(bytes / perRow));
}
