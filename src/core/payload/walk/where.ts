// Where a walk is in a payload. Kept as steps, because a path in words for each field is most of what a walk costs.
import { cut, describe } from "../../../base/errors.js";

/** A field's name, an index, or how a Map or a Set holds the part. The first one is how messages call the whole. */
export type Step = string | number | { readonly get: unknown } | typeof mapKey | typeof setItem;

export const mapKey: unique symbol = Symbol("key of a Map");
export const setItem: unique symbol = Symbol("item of a Set");

/** Characters of a path that a message shows of its beginning and of its end. The names in it may be a client's. */
const shownAtEnds = 200;

/** The path in words: `payload.user["full name"][0]`, `an item of payload.tags`. A long one is shortened in its middle. */
export function pathOf([label, ...steps]: readonly Step[]): string {
  const path = steps.reduce<string>(extend, String(label));
  if (path.length <= 2 * shownAtEnds) return path;
  return `${path.slice(0, shownAtEnds)}...${path.slice(-shownAtEnds)}`;
}

function extend(path: string, step: Step): string {
  if (typeof step === "number") return `${path}[${step}]`;
  if (typeof step === "string") {
    return /^[A-Za-z_$][\w$]*$/.test(step) ? `${path}.${cut(step)}` : `${path}[${describe(step)}]`;
  }
  if (step === mapKey) return `a key of ${path}`;
  return step === setItem ? `an item of ${path}` : `${path}.get(${describe(step.get)})`;
}
