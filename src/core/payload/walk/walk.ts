// The careful walk: a copy of a payload in which markers stand for what V8 would not write as we want it, or the path of the
// first part that cannot arrive. Taken when the check met something special, or V8 refused to write.
import { types } from "node:util";
import { AsideMarker, type ErrorMarker } from "../stream/markers.js";
import { codes } from "../stream/stream-format.js";
import { isSparse } from "./check.js";
import { type Fate, fateOf, type OnInstance, rememberPlain, report } from "./classes.js";
import { Collected } from "./collected.js";
import { isError } from "./error-parts.js";
import { ErrorQueue, type Walking } from "./error-queue.js";
import { leafAside, leafOf, leafOfView } from "./leaves.js";
import { maxDepth, refuseInstance, refuseObject, refuseValue, tooDeep } from "./refusals.js";
import { mapKey, pathOf, type Step, setItem } from "./where.js";

export class Walk implements Walking {
  readonly found: Collected = new Collected();
  readonly steps: Step[] = [];
  readonly #errors: ErrorQueue = new ErrorQueue(this);

  /**
   * @param label how messages call the value
   * @param moving what stays as it is and travels aside, in this order
   */
  constructor(
    private readonly label: string,
    moving: readonly unknown[] = [],
    private readonly onInstance?: OnInstance,
  ) {
    for (const [index, item] of moving.entries()) this.found.putAside(item, item, `transfer[${index}]`);
  }

  /** @throws OffloadError AR_PAYLOAD_NOT_CLONEABLE, and what a getter throws */
  copy(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return isPrimitive(value) ? value : refuseValue(this.label, value);
    const made = this.#copy(value);
    this.#errors.copyContents();
    return made;
  }

  part(value: unknown, step: Step): unknown {
    if (typeof value === "object" && value !== null) {
      this.steps.push(step);
      const made = this.#copy(value);
      this.steps.pop();
      return made;
    }
    if (isPrimitive(value)) return value;
    this.steps.push(step);
    return refuseValue(this.#where(), value);
  }

  #copy(value: object): unknown {
    const known = this.found.copyOf(value);
    if (known !== undefined) return known;
    if (this.steps.length >= maxDepth) throw tooDeep(this.#where());
    return this.#object(value);
  }

  #object(value: object): unknown {
    const number = this.found.numberOf(value);
    if (number !== undefined) return this.#aside(value, number);
    if (Array.isArray(value)) return this.#array(value);
    if (ArrayBuffer.isView(value)) return this.#remember(value, leafOfView(value, this.found, this.#where));
    if (types.isMap(value)) return this.#map(value);
    if (types.isSet(value)) return this.#set(value);
    const prototype: object | null = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return this.#plain(value);
    const leaf = leafOf(value, this.found, this.#where);
    if (leaf !== undefined) return this.#remember(value, leaf);
    return this.#isError(value) ? this.#error(value) : this.#instance(value, prototype);
  }

  #array(value: readonly unknown[]): unknown[] {
    // Not `new Array(length)`: V8 writes an array that had holes once key by key, also when they are filled.
    const made: unknown[] = [];
    this.#remember(value, made);
    const { length } = value;
    let keys: string[] | undefined;
    let items = 0;
    if (isSparse(value)) {
      keys = Object.keys(value);
      for (; items < keys.length && isIndex(keys[items], length); items++) {
        const index = Number(keys[items]);
        made[index] = this.part(value[index], index);
      }
    } else {
      for (let index = 0; index < length; index++) {
        const item = value[index];
        if (item === undefined && !Object.hasOwn(value, index)) continue;
        items++;
        made[index] = this.part(item, index);
      }
    }
    made.length = length;
    // An array may have fields beside its items, as what a regular expression matched has: their keys come last.
    keys ??= Object.keys(value);
    if (keys.length > items) this.#fields(value, keys.slice(items), made);
    return made;
  }

  #plain(value: object): object {
    const made = {};
    this.#remember(value, made);
    this.#fields(value, Object.keys(value), made);
    return made;
  }

  #fields(value: object, keys: readonly string[], made: object): void {
    for (const key of keys) {
      const field = this.part((value as Record<string, unknown>)[key], key);
      // Assigning `__proto__` would set the prototype of the copy.
      if (key === "__proto__") {
        Object.defineProperty(made, key, { value: field, enumerable: true, configurable: true, writable: true });
      } else (made as Record<string, unknown>)[key] = field;
    }
  }

  #map(value: Map<unknown, unknown>): Map<unknown, unknown> {
    const made = new Map<unknown, unknown>();
    this.#remember(value, made);
    for (const [key, item] of value) made.set(this.part(key, mapKey), this.part(item, { get: key }));
    return made;
  }

  #set(value: Set<unknown>): Set<unknown> {
    const made = new Set<unknown>();
    this.#remember(value, made);
    for (const item of value) made.add(this.part(item, setItem));
    return made;
  }

  /**
   * An instance of a class arrives as a plain object and is walked like one: cloned apart, it would lose its share in the
   * rest of the payload, and bring a copy of all that it refers to.
   */
  #instance(value: object, prototype: object): unknown {
    let fate: Fate;
    let cloned: object | undefined;
    try {
      fate = fateOf(value, prototype);
      if (fate.kind === "aside") cloned = structuredClone(value);
    } catch (error) {
      return this.#uncloneable(value, prototype, error);
    }
    if (fate.kind === "refused") refuseInstance(this.#where(), value, fate.className);
    if (cloned !== undefined) return this.#remember(value, leafAside(value, cloned, this.found, this.#where));
    if (this.onInstance !== undefined) report(prototype, this.#where, this.onInstance);
    return this.#plain(value);
  }

  /** Structured clone refused an instance: for a field that is named here, for one that we can carry, or for its class. */
  #uncloneable(value: object, prototype: object, error: unknown): object {
    const made = this.#plain(value);
    if (!Object.keys(value).some((key) => isUncloneable(Reflect.get(value, key)))) {
      refuseObject(this.#where(), value, error);
    }
    rememberPlain(prototype);
    if (this.onInstance !== undefined) report(prototype, this.#where, this.onInstance);
    return made;
  }

  #isError(value: object): value is Error {
    // In an error it is the reason, as of an aborted fetch.
    return isError(value) && (this.#errors.isInside || !(value instanceof DOMException));
  }

  #error(error: Error): ErrorMarker {
    const marker = this.#errors.add(error);
    if (marker === undefined) throw tooDeep(this.#where());
    return this.#remember(error, marker);
  }

  #aside(value: object, number: number): AsideMarker {
    // The path in the payload says more than the place in the transfer list.
    this.found.asidePaths[number] = this.#where();
    return this.#remember(value, new AsideMarker(codes.aside, number));
  }

  #remember<Copy>(value: object, made: Copy): Copy {
    return this.found.remember(value, made);
  }

  readonly #where = (): string => pathOf(this.label, this.steps);
}

export function isPrimitive(value: unknown): boolean {
  return typeof value !== "function" && typeof value !== "symbol";
}

function isUncloneable(value: unknown): boolean {
  try {
    structuredClone(value);
    return false;
  } catch {
    return true;
  }
}

function isIndex(key: string | undefined, length: number): boolean {
  const index = Number(key);
  return String(index) === key && index >= 0 && index < length && Number.isInteger(index);
}
