// What a failed assertion says: what was asked for, and the records that come nearest to it.
import { inspect } from "node:util";
import { nearest } from "../../base/nearest.js";
import type { Recorded } from "../recorder.js";
import { differences, matches } from "./match.js";

/** How many records a message lists. */
const mostListed = 5;

/** What a test asks for. */
export interface Wanted {
  readonly name: string;
  readonly match?: unknown;
  /** More that is asked for, in words: `by run`, `with the options { … }`. */
  readonly more?: string;
}

/** `optimizeImage({ key: "cat" })`, as it is asked for. */
export function wantedInWords({ name, match, more }: Wanted): string {
  const payload =
    match === undefined
      ? ""
      : typeof match === "function"
        ? "(a payload that the function accepts)"
        : `(${show(match)})`;
  return `${name}${payload}${more === undefined ? "" : ` ${more}`}`;
}

/** The records that come nearest, one a line; the nearest first. */
export function nearestInWords(records: readonly Recorded[], wanted: Wanted): string {
  if (records.length === 0) return "nothing was offloaded";
  const ofName = records.filter(({ name }) => name === wanted.name);
  if (ofName.length === 0) {
    const meant = nearest(wanted.name, new Set(records.map(({ name }) => name)));
    const hint = meant === undefined ? "" : ` (did you mean ${meant}?)`;
    return `no ${wanted.name} was${hint}, but\n${list(records.slice(-mostListed))}`;
  }
  const sorted = byDistance(ofName, wanted.match);
  const rest = sorted.length - mostListed;
  return `nearest:\n${list(sorted, wanted.match)}${rest > 0 ? `\n  and ${rest} more` : ""}`;
}

/** Records in a list, each with what is wrong with it. */
export function list(records: readonly Recorded[], match?: unknown): string {
  return records
    .slice(0, mostListed)
    .map((record) => `  ${line(record)}${wrongWith(record, match)}`)
    .join("\n");
}

/** The record that differs least. */
export function byDistance(records: readonly Recorded[], match: unknown): Recorded[] {
  if (match === undefined || typeof match === "function") return [...records];
  const distances = new Map(records.map((record) => [record, differences(record.payload, match).length]));
  return [...records].sort((a, b) => (distances.get(a) ?? 0) - (distances.get(b) ?? 0));
}

export function show(value: unknown): string {
  const matcher = nameOfMatcher(value);
  if (matcher !== undefined) return matcher;
  return inspect(value, { depth: 4, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 200, maxArrayLength: 20 });
}

function line(record: Recorded): string {
  const { task, operation, payload, name } = record;
  const given = task.definition.kind === "task" && payload !== undefined ? show(payload) : "";
  const attempt = task.attempt > 1 ? `, attempt ${task.attempt}` : "";
  const error = record.error;
  const why = error === undefined ? "" : `: ${error instanceof Error ? error.message : show(error)}`;
  return `${name}(${given}), by ${operation}, ${task.state}${attempt}${why}`;
}

function wrongWith({ payload }: Recorded, match: unknown): string {
  if (match === undefined || matches(payload, match)) return "";
  if (typeof match === "function") return "\n    the function says no";
  return differences(payload, match)
    .slice(0, mostListed)
    .map(({ path, expected, actual }) => `\n    ${path}: expected ${show(expected)}, got ${show(actual)}`)
    .join("");
}

/** As vitest and jest write it: `Any<String>`. */
function nameOfMatcher(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const toText: unknown = Reflect.get(value, "toAsymmetricMatcher");
  return typeof toText === "function" ? String(toText.call(value)) : undefined;
}
