// What an array is like: full or with holes, with fields beside its items or without. Asked of each array, so it has to be cheap.
import { inspect, types } from "node:util";

/** Arrays longer than this are looked at for holes first: a client's `a[1e9] = 1` must not cost a billion steps. */
const longArray = 64;
const probes = 16;
/** Multiples of it modulo 1 are spread evenly, and the same payload always takes the same path. */
const goldenRatio = 0.6180339887498949;

/**
 * Whether the items of an array are better found by its keys than by a loop over its length. Looks at a few places, spread over its length:
 * where all of them have items, most of its places do.
 */
export function isSparse(value: readonly unknown[]): boolean {
  if (value.length <= longArray) return false;
  for (let probe = 0; probe < probes; probe++) {
    if (!Object.hasOwn(value, Math.floor(((probe * goldenRatio) % 1) * value.length))) return true;
  }
  return false;
}

/** To make the keys of an array takes 100 ns an item, six times as long as to copy a number. To inspect it takes 5 us. */
const inspected = 128;
const nothingOfIt = { maxArrayLength: 0, depth: 0, customInspect: false, colors: false, compact: 3, breakLength: 80 };

/** Whether an array has fields beside its items. */
export function hasNames(value: readonly unknown[]): boolean {
  if (value.length > inspected && isPlainInside(value)) return false;
  // Indices come first among the keys. Their number says nothing: an item that is not enumerable has none.
  const keys = Object.keys(value);
  const last = keys[keys.length - 1];
  return last !== undefined && last !== String(value.length - 1) && !isIndex(last, value.length);
}

/** Only Node's own code can list the names of an array without its items. False: it may have names, or be no plain array. */
function isPlainInside(value: readonly unknown[]): boolean {
  return !types.isProxy(value) && inspect(value, nothingOfIt) === `[ ... ${value.length} more items ]`;
}

/** The names of the fields beside the items. They are the last of the keys. */
export function namesOf(value: readonly unknown[], keys: readonly string[] = Object.keys(value)): readonly string[] {
  let items = keys.length;
  while (items > 0 && !isIndex(keys[items - 1], value.length)) items--;
  return keys.slice(items);
}

function isIndex(key: string | undefined, length: number): boolean {
  const index = Number(key);
  return String(index) === key && index >= 0 && index < length && Number.isInteger(index);
}
