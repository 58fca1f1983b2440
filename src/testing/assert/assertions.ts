// The assertions: what was offloaded against what a test asks for.
import { AssertionError } from "node:assert";
import { checkOptions, integer, oneOf, plainObject, type Rules } from "../../base/option-rules.js";
import type { AssertOptions } from "../contract.js";
import type { Recorded } from "../recorder.js";
import { matches } from "./match.js";
import { byDistance, list, nearestInWords, show, type Wanted, wantedInWords } from "./words.js";

/** A failed assertion, before it is thrown. */
export interface Failure {
  readonly message: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

const rules: Rules = {
  times: integer(0),
  operation: oneOf("offloadAfterResponse", "offload", "run", "task.offload"),
  options: plainObject,
};

/** The records of a name whose payload matches, of those that run. */
export function found(records: readonly Recorded[], name: string | undefined, match: unknown): Recorded[] {
  return records.filter((record) => {
    return record.counts && (name === undefined || record.name === name) && matches(record.payload, match);
  });
}

/** Why an assertion fails that such tasks were offloaded; undefined if they were. */
export function whyNotOffloaded(
  records: readonly Recorded[],
  name: string,
  match: unknown,
  options: AssertOptions = {},
): Failure | undefined {
  checkOptions("assertOffloaded", options, rules);
  const { times, operation } = options;
  const fitting = found(records, name, match).filter((record) => hasOptions(record, options));
  if (times === undefined ? fitting.length > 0 : fitting.length === times) return undefined;
  const more = [operation && `by ${operation}`, options.options && `with the options ${show(options.options)}`].filter(
    Boolean,
  );
  const wanted: Wanted = { name, match, ...(more.length > 0 && { more: more.join(" ") }) };
  const head = `expected ${wantedInWords(wanted)} to be offloaded${times === undefined ? "" : ` ${inTimes(times)}`}`;
  if (fitting.length > 0 && times !== undefined) {
    const message = `${head}, but it was ${inTimes(fitting.length)}:\n${list(fitting)}`;
    return { message, expected: times, actual: fitting.length };
  }
  const [nearest] = byDistance(
    records.filter((record) => record.name === name),
    match,
  );
  return {
    message: `${head}; ${nearestInWords(records, wanted)}`,
    expected: match ?? name,
    actual: match === undefined || nearest === undefined ? records.map((record) => record.name) : nearest.payload,
  };
}

/** Why an assertion fails that no such task was offloaded; undefined if none was. */
export function whyOffloaded(
  records: readonly Recorded[],
  name: string | undefined,
  match?: unknown,
): Failure | undefined {
  const wrong = found(records, name, match);
  if (wrong.length === 0) return undefined;
  const what = name === undefined ? "nothing" : `no ${wantedInWords({ name, match })}`;
  const rest = wrong.length > 5 ? `\n  and ${wrong.length - 5} more` : "";
  return {
    message: `expected ${what} to be offloaded, but this was:\n${list(wrong)}${rest}`,
    expected: [],
    actual: wrong.map(({ name, payload }) => ({ task: name, payload })),
  };
}

/**
 * Throws a failure, if there is one.
 *
 * @param from the function at which the stack begins: the next line is the test's
 */
export function throwIf(failure: Failure | undefined, operator: string, from: (...args: never[]) => unknown): void {
  if (failure === undefined) return;
  const { message, expected, actual } = failure;
  throw new AssertionError({ message, expected, actual, operator, stackStartFn: from });
}

/** @param count how often something was */
export function inTimes(count: number): string {
  if (count === 1) return "once";
  return count === 0 ? "never" : `${count} times`;
}

function hasOptions({ operation, task }: Recorded, wanted: AssertOptions): boolean {
  if (wanted.operation !== undefined && wanted.operation !== operation) return false;
  return wanted.options === undefined || matches({ ...task.dispatch }, wanted.options);
}
