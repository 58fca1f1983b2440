// Options are checked against a table with one rule for each field, so that all errors have one wording.
import { cut, describe, isRevoked, OffloadError } from "./errors.js";
import { nearest } from "./nearest.js";

/** Which values a field may have. */
export interface Rule {
  /** The end of the message "expected <field> to be ...". */
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
  /** For a field that is an object of options: the rules of its fields. */
  readonly fields?: Rules;
  /** Which of `fields` must be given. */
  readonly required?: readonly string[];
  /** For a field that is a record with keys of the user's choice: the rule of its values. */
  readonly each?: Rule;
}

/** The rules of an options object by field name. An option without a rule does not compile. */
export type Rules<Options = Record<string, unknown>> = { readonly [Name in keyof Options]-?: Rule };

/**
 * Checks `options` against `rules`. A field that is undefined counts as left out.
 *
 * @param where the call, as messages name it
 * @param path of `options` within the options of the call, for messages; empty for the whole
 * @throws OffloadError AR_INVALID_OPTIONS for the first field that is unknown or wrong
 */
export function checkOptions(where: string, options: unknown, rules: Rules, path = ""): void {
  if (!isObject(options)) throw invalid(where, path || "options", "an object", options);
  for (const [name, value] of Object.entries(options)) {
    const rule = rules[name];
    const full = path ? `${path}.${name}` : name;
    if (rule === undefined || !Object.hasOwn(rules, name)) throw unknownOption(where, full, name, rules);
    if (value !== undefined) checkValue(where, full, value, rule);
  }
}

function checkValue(where: string, path: string, value: unknown, rule: Rule): void {
  if (!rule.holds(value)) throw invalid(where, path, rule.expected, value);
  if (rule.fields !== undefined && isObject(value)) {
    checkOptions(where, value, rule.fields, path);
    for (const name of rule.required ?? []) {
      if (value[name] === undefined)
        throw invalid(where, `${path}.${name}`, rule.fields[name]?.expected ?? "", undefined);
    }
  }
  if (rule.each !== undefined && isObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      if (item !== undefined) checkValue(where, `${path}.${key}`, item, rule.each);
    }
  }
}

/** The error for a field with a wrong value. */
export function invalid(where: string, path: string, expected: string, given: unknown): OffloadError {
  return new OffloadError("AR_INVALID_OPTIONS", `${where}: expected ${path} to be ${expected}, got ${describe(given)}`);
}

function unknownOption(where: string, path: string, name: string, rules: Rules): OffloadError {
  const known = Object.keys(rules);
  const meant = nearest(name, known);
  const hint = meant === undefined ? `known options: ${known.join(", ")}` : `did you mean ${meant}?`;
  return new OffloadError("AR_INVALID_OPTIONS", `${where}: unknown option ${cut(path)} (${hint})`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !isRevoked(value) && !Array.isArray(value);
}

// The rules from which tables are made.

export const plainObject: Rule = { expected: "an object", holds: isObject };

export const string: Rule = {
  expected: "a non-empty string",
  holds: (value) => typeof value === "string" && value !== "",
};
/** A name that may be a client's, and is kept, logged and compared. */
export const name: Rule = {
  expected: "a non-empty string of at most 1000 characters",
  holds: (value) => string.holds(value) && String(value).length <= 1_000,
};
export const boolean: Rule = { expected: "a boolean", holds: (value) => typeof value === "boolean" };
export const func: Rule = { expected: "a function", holds: (value) => typeof value === "function" };
export const anything: Rule = { expected: "any value", holds: () => true };
export const stringList: Rule = {
  expected: "an array of strings",
  holds: (value) => Array.isArray(value) && value.every((item) => typeof item === "string"),
};
export const signal: Rule = { expected: "an AbortSignal", holds: (value) => value instanceof AbortSignal };

/** A whole number from `min` to `max`. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): Rule {
  const expected =
    max < Number.MAX_SAFE_INTEGER
      ? `an integer from ${min} to ${max}`
      : min > 0
        ? "a positive integer"
        : "an integer of 0 or more";
  return { expected, holds: (value) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max };
}

/** What `rule` allows, and Infinity for "no limit". */
export function orInfinity(rule: Rule): Rule {
  return {
    expected: `${rule.expected} or Infinity`,
    holds: (value) => value === Number.POSITIVE_INFINITY || rule.holds(value),
  };
}

/** A whole number of at least `min`, or Infinity for "no limit". */
export function integerOrInfinity(min: number): Rule {
  return orInfinity(integer(min));
}

// The longest delay of a Node timer. With a longer one the timer fires at once.
const longestTimer = 2 ** 31 - 1;

/** A time in ms that a timer can wait for. */
export function milliseconds(min = 0, max: number = longestTimer): Rule {
  return {
    expected: `a number of milliseconds from ${min} to ${max}`,
    holds: (value) => typeof value === "number" && value >= min && value <= max,
  };
}

export function oneOf(...values: readonly unknown[]): Rule {
  return {
    expected: `one of ${values.map((value) => JSON.stringify(value)).join(", ")}`,
    holds: (value) => values.includes(value),
  };
}

/** An object of options with rules of its own. Those in `required` must be given. */
export function object<Options>(fields: Rules<Options>, required: readonly string[] = []): Rule {
  return { expected: "an object", holds: isObject, fields, required };
}

/** An object with keys of the user's choice, whose values have one rule. */
export function record(each: Rule): Rule {
  return { expected: "an object", holds: isObject, each };
}

/** Whatever one of the rules allows. The fields of an object are checked by the rule that has fields. */
export function either(...rules: readonly Rule[]): Rule {
  const { fields, required } = rules.find((rule) => rule.fields !== undefined) ?? {};
  return {
    expected: rules.map((rule) => rule.expected).join(" or "),
    holds: (value) => rules.some((rule) => rule.holds(value)),
    ...(fields && { fields, required }),
  };
}
