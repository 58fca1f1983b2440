// The look at a payload before V8 serialises it: whether there is anything in it that V8 would turn into something else.
// It costs a tenth of the serialization, because it builds nothing: no paths, no copies, no lists of keys.
import { isKnownPlain } from "./classes.js";
import { maxDepth } from "./refusals.js";
import { isLargeBuffer } from "./stream-format.js";

/** Arrays longer than this are looked at for holes first: a client's `a[1e9] = 1` must not cost a billion steps. */
export const longArray = 64;
const probes = 16;
/** One object in so many is noted. */
const noteEvery = 16;

// `constructor` is quicker to read than the prototype. A field of this name would have to be a function to mislead, and V8
// refuses functions.
const leaves: ReadonlySet<unknown> = new Set([Date, RegExp, Number, String, Boolean, BigInt]);

export class Check {
  /** Large ArrayBuffers that it met. */
  readonly buffers: Set<ArrayBuffer> = new Set();
  #visits = 0;
  #depth = 0;
  /**
   * Objects met before. A Set of all triples the cost, so some are noted until one of them is met again: then the payload
   * shares objects or is circular, and from there on all are noted.
   */
  readonly #noted = new Set<object>();
  #noteAll = false;

  /** @param mustReport whether the first instance of each class has to take the careful path */
  constructor(private readonly mustReport: boolean) {}

  /** False: there is something special, or it is too deep. The careful path knows what. */
  passes(value: object): boolean {
    if (this.#noted.has(value)) {
      this.#noteAll = true;
      return true;
    }
    if (this.#noteAll || ++this.#visits % noteEvery === 0) this.#noted.add(value);
    if (this.#depth >= maxDepth) return false;
    this.#depth++;
    const passed = this.#contents(value);
    this.#depth--;
    return passed;
  }

  #contents(value: object): boolean {
    const { constructor: type } = value;
    if (type === Object) return this.#fields(value);
    if (type === Array && Array.isArray(value)) return this.#items(value);
    if (ArrayBuffer.isView(value) || leaves.has(type)) return true;
    if (type === Map && value instanceof Map) return this.#map(value);
    if (type === Set && value instanceof Set) return this.#set(value);
    if (type === ArrayBuffer) {
      if (isLargeBuffer(value)) this.buffers.add(value);
      return true;
    }
    const prototype: object | null = Object.getPrototypeOf(value);
    if (prototype === null || prototype === Object.prototype || isKnownPlain(prototype, this.mustReport)) {
      return this.#fields(value);
    }
    // Of a subclass, the fields as well, which a database driver's list of rows has.
    return Array.isArray(value) && this.#fields(value);
  }

  #fields(value: object): boolean {
    // Inherited fields are looked at too, which V8 leaves out: at worst the careful path is taken without need.
    for (const key in value) if (!this.#part((value as Record<string, unknown>)[key])) return false;
    return true;
  }

  #items(value: readonly unknown[]): boolean {
    const { length } = value;
    if (length > longArray && hasHoles(value)) return this.#fields(value);
    for (let index = 0; index < length; index++) if (!this.#part(value[index])) return false;
    return true;
  }

  #map(value: ReadonlyMap<unknown, unknown>): boolean {
    // Two walks over parts instead of one over pairs, each of which would be an array.
    for (const key of value.keys()) if (!this.#part(key)) return false;
    for (const item of value.values()) if (!this.#part(item)) return false;
    return true;
  }

  #set(value: ReadonlySet<unknown>): boolean {
    for (const item of value.values()) if (!this.#part(item)) return false;
    return true;
  }

  #part(part: unknown): boolean {
    if (typeof part === "object") return part === null || this.passes(part);
    return typeof part !== "function" && typeof part !== "symbol";
  }
}

/** Looks at a few places at random. An array that passes has items at most of its places, so that a loop is no waste. */
export function hasHoles(value: readonly unknown[]): boolean {
  for (let probe = 0; probe < probes; probe++) {
    if (!Object.hasOwn(value, Math.floor(Math.random() * value.length))) return true;
  }
  return false;
}
