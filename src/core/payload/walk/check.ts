// The look at a payload before V8 serialises it: whether there is anything in it that V8 would turn into something else.
// It costs a tenth of the serialization, because it builds nothing: no paths, no copies, no lists of keys.

import { isLargeBuffer } from "../stream/stream-format.js";
import { isKnownPlain } from "./classes.js";
import { maxDepth } from "./refusals.js";

/** Arrays longer than this are looked at for holes first: a client's `a[1e9] = 1` must not cost a billion steps. */
const longArray = 64;
const probes = 16;
/** Multiples of it modulo 1 are spread evenly, and the same payload always takes the same path. */
const goldenRatio = 0.6180339887498949;
/** One object in so many is noted, and each that is deeper than a tree usually is. */
const noteEvery = 32;
const usualDepth = 8;

// `constructor` is quicker to read than the prototype. A field of this name would have to be a function to mislead, and V8
// refuses functions.
const leaves: ReadonlySet<unknown> = new Set([Date, RegExp, Number, String, Boolean, BigInt]);

export class Check {
  /** Large ArrayBuffers that it met. */
  readonly buffers: Set<ArrayBuffer> = new Set();
  #visits = 0;
  /**
   * Objects met before. To note each one triples the cost, so some are noted until one of them is met again: then the payload
   * shares objects or is circular, and from there on all are noted.
   */
  readonly #noted = new Set<object>();
  #noteAll = false;

  /** @param mustReport whether the first instance of each class has to take the careful path */
  constructor(private readonly mustReport: boolean) {}

  /**
   * False: there is something special, or it is too deep. The careful path knows what. Functions and symbols pass, because V8
   * refuses them itself.
   *
   * The loops are written out where most objects are: calls for each field cost as much again.
   */
  passes(value: object, depth = 0): boolean {
    const note = this.#noteAll || depth > usualDepth || ++this.#visits % noteEvery === 0;
    if (note && this.#isMetAgain(value)) return true;
    if (depth >= maxDepth) return false;
    const { constructor: type } = value;
    if (type === Object) return this.#fields(value, depth);
    if (type === Array && Array.isArray(value)) {
      const { length } = value;
      if (length > longArray && isSparse(value)) return this.#fields(value, depth);
      for (let index = 0; index < length; index++) {
        const item: unknown = value[index];
        if (typeof item === "object" && item !== null && !this.passes(item, depth + 1)) return false;
      }
      return true;
    }
    return this.#other(value, type, depth);
  }

  /** Looks at inherited fields too, which V8 leaves out: at worst the careful path is taken without need. */
  #fields(value: object, depth: number): boolean {
    for (const key in value) {
      const field = (value as Record<string, unknown>)[key];
      if (typeof field === "object" && field !== null && !this.passes(field, depth + 1)) return false;
    }
    return true;
  }

  #other(value: object, type: unknown, depth: number): boolean {
    if (ArrayBuffer.isView(value) || leaves.has(type)) return true;
    // Two walks over parts instead of one over pairs, each of which would be an array.
    if (type === Map && value instanceof Map) return this.#all(value.keys(), depth) && this.#all(value.values(), depth);
    if (type === Set && value instanceof Set) return this.#all(value.values(), depth);
    if (type === ArrayBuffer) {
      if (isLargeBuffer(value)) this.buffers.add(value);
      return true;
    }
    const prototype: object | null = Object.getPrototypeOf(value);
    if (prototype === null || prototype === Object.prototype || isKnownPlain(prototype, this.mustReport)) {
      return this.#fields(value, depth);
    }
    // Of a subclass, the fields as well, which a database driver's list of rows has.
    return Array.isArray(value) && this.#fields(value, depth);
  }

  #all(parts: Iterable<unknown>, depth: number): boolean {
    for (const part of parts) {
      if (typeof part === "object" && part !== null && !this.passes(part, depth + 1)) return false;
    }
    return true;
  }

  #isMetAgain(value: object): boolean {
    if (!this.#noted.has(value)) {
      this.#noted.add(value);
      return false;
    }
    this.#noteAll = true;
    return true;
  }
}

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
