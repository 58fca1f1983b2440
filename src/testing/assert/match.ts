// Whether a value is what a test asks for: a partial deep comparison. Constructors are compared by their names and not by
// identity, because a test of jest has built-in classes of its own.

/** What is wrong with a value, and where. */
export interface Difference {
  /** As `payload.user.name`. */
  readonly path: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

/** Whether a value matches; without differences to name, where the test gave a function. */
export function matches(actual: unknown, match: unknown): boolean {
  if (match === undefined) return true;
  if (isPredicate(match)) return Boolean(match(actual));
  return differences(actual, match).length === 0;
}

/** Each part of `match` that a value does not have. */
export function differences(actual: unknown, match: unknown, path = "payload"): Difference[] {
  if (isMatcher(match)) return accepts(match, actual) ? [] : [{ path, expected: match, actual }];
  if (isSame(actual, match)) return [];
  const tag = tagOf(match);
  if (tag !== tagOf(actual)) return [{ path, expected: match, actual }];
  if (tag === "Array") return ofArrays(actual as unknown[], match as unknown[], path);
  if (tag === "Object" || tag === "Error") return ofObjects(actual as object, match as object, path);
  return isSameBuiltIn(tag, actual, match) ? [] : [{ path, expected: match, actual }];
}

function ofArrays(actual: readonly unknown[], match: readonly unknown[], path: string): Difference[] {
  if (actual.length !== match.length) return [{ path, expected: match, actual }];
  return match.flatMap((item, index) => differences(actual[index], item, `${path}[${index}]`));
}

function ofObjects(actual: object, match: object, path: string): Difference[] {
  const wrong = Object.keys(match).flatMap((key) => {
    return differences(Reflect.get(actual, key), Reflect.get(match, key), `${path}.${key}`);
  });
  if (tagOf(match) !== "Error") return wrong;
  // These are not enumerable.
  const named = ["name", "message"].flatMap((key) => {
    return differences(Reflect.get(actual, key), Reflect.get(match, key), `${path}.${key}`);
  });
  return [...named, ...wrong];
}

/** A value of a built-in class, which is compared as a whole. */
function isSameBuiltIn(tag: string, actual: unknown, match: unknown): boolean {
  if (tag === "Date") return Number(actual) === Number(match);
  if (tag === "RegExp" || tag === "URL" || tag === "URLSearchParams") return String(actual) === String(match);
  if (tag === "Set") return isSameMap(toMap(actual as Set<unknown>), toMap(match as Set<unknown>));
  if (tag === "Map") return isSameMap(actual as Map<unknown, unknown>, match as Map<unknown, unknown>);
  const [left, right] = [bytesOf(actual), bytesOf(match)];
  return left !== undefined && right !== undefined && left.equals(right);
}

function toMap(set: Set<unknown>): Map<unknown, unknown> {
  return new Map([...set].map((item) => [item, item]));
}

function isSameMap(actual: Map<unknown, unknown>, match: Map<unknown, unknown>): boolean {
  if (actual.size !== match.size) return false;
  return [...match].every(([key, value]) => {
    if (actual.has(key)) return matches(actual.get(key), value);
    // A key that is an object is another one after the copy.
    return [...actual].some(([other, found]) => differences(other, key).length === 0 && matches(found, value));
  });
}

function bytesOf(value: unknown): Buffer | undefined {
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const tag = tagOf(value);
  return tag === "ArrayBuffer" || tag === "SharedArrayBuffer" ? Buffer.from(value as ArrayBuffer) : undefined;
}

function isSame(actual: unknown, match: unknown): boolean {
  return Object.is(actual, match) || (actual === 0 && match === 0);
}

function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

function isPredicate(match: unknown): match is (actual: unknown) => unknown {
  return typeof match === "function" && !isMatcher(match);
}

/** A matcher of vitest and jest, or of sinon. A RegExp has `test` as well and tests strings. */
export function isMatcher(value: unknown): value is object {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  return ["asymmetricMatch", "test"].some((name) => typeof Reflect.get(value, name) === "function");
}

function accepts(matcher: object, actual: unknown): boolean {
  if (tagOf(matcher) === "RegExp" && typeof actual !== "string") return isSameBuiltIn(tagOf(actual), actual, matcher);
  const name = typeof Reflect.get(matcher, "asymmetricMatch") === "function" ? "asymmetricMatch" : "test";
  return Boolean(Reflect.get(matcher, name).call(matcher, actual));
}
