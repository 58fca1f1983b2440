// What a failed assertion says: what was asked for, and the records that come nearest to it.
import { inspect } from "node:util";
import { nearest } from "../../base/nearest.js";
import type { Recorded } from "../recorder.js";
import { differences, isMatcher, matches } from "./match.js";

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
  const options = { depth: 4, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 200, maxArrayLength: 20 };
  return inspect(withNamedMatchers(value, options.depth), options);
}

function line(record: Recorded): string {
  const { task, operation, payload, name } = record;
  const given = task.definition.kind === "task" && payload !== undefined ? show(payload) : "";
  const attempt = task.attempt > 1 ? `, attempt ${task.attempt}` : "";
  const error = record.error;
  const why = error === undefined ? "" : `: ${error instanceof Error ? error.message : show(error)}`;
  const by = operation === undefined ? "" : `, by ${operation}`;
  return `${name}(${given})${by}, ${task.state}${attempt}${why}`;
}

function wrongWith({ payload }: Recorded, match: unknown): string {
  if (match === undefined || matches(payload, match)) return "";
  if (typeof match === "function") return "\n    the function says no";
  return differences(payload, match)
    .slice(0, mostListed)
    .map(({ path, expected, actual }) => `\n    ${path}: expected ${show(expected)}, got ${show(actual)}`)
    .join("");
}

/** A value in which each matcher shows as its name, and not as what it is made of. */
function withNamedMatchers(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null || depth === 0) return value;
  if (Array.isArray(value)) return value.map((item) => withNamedMatchers(item, depth - 1));
  const tag = Object.prototype.toString.call(value);
  // A regular expression is a matcher as well, and shows as it is.
  if (isMatcher(value) && tag !== "[object RegExp]") return { [inspect.custom]: () => nameOfMatcher(value) };
  if (tag !== "[object Object]") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withNamedMatchers(item, depth - 1)]));
}

/** As vitest and jest write it: `Any<String>`. Some of theirs have only a name and a sample; those of sinon have words. */
function nameOfMatcher(matcher: object): string {
  const toText: unknown = Reflect.get(matcher, "toAsymmetricMatcher");
  if (typeof toText === "function") return String(toText.call(matcher));
  const words = String(matcher);
  const name = words === "[object Object]" ? "a matcher" : words;
  return Reflect.has(matcher, "sample") ? `${name}<${show(Reflect.get(matcher, "sample"))}>` : name;
}
