// The careful walk: a copy of a payload in which markers stand for what V8 would not write as we want it, or the path of the
// first part that cannot arrive. Taken when the check met something special, or V8 refused to write.
import { types } from "node:util";
import { isSparse } from "./check.js";
import { type Fate, fateOf, type OnInstance, rememberPlain, report } from "./classes.js";
import { fieldsOf, isError, membersOf, text } from "./error-parts.js";
import { AsideMarker, ErrorMarker, FileMarker, TextMarker, ViewMarker } from "./markers.js";
import { maxDepth, notCloneable, refuseInstance, refuseObject, refuseValue, tooDeep } from "./refusals.js";
import { codes, isLargeBuffer, viewNumber } from "./stream-format.js";
import { mapKey, pathOf, type Step, setItem } from "./where.js";

/** Errors that hold errors that hold errors: a getter may make another one for ever. */
const maxGenerations = 8;

/** An error whose contents are still to be copied, and where it was met. */
interface PendingError {
  readonly error: Error;
  readonly marker: ErrorMarker;
  readonly steps: readonly Step[];
  readonly generation: number;
}

export class Walk {
  readonly buffers: ArrayBuffer[] = [];
  readonly aside: unknown[] = [];
  readonly asidePaths: string[] = [];
  // What has been copied: an object that is met twice, or holds itself, is copied once.
  readonly #copies = new Map<object, unknown>();
  readonly #order: object[] = [];
  readonly #asideNumbers = new Map<unknown, number>();
  readonly #errors: PendingError[] = [];
  #steps: Step[] = [];
  /** How many errors the walk is inside of. */
  #generation = 0;

  /**
   * @param label how messages call the value
   * @param moving what stays as it is and travels aside, in this order
   */
  constructor(
    private readonly label: string,
    moving: readonly unknown[] = [],
    private readonly onInstance?: OnInstance,
  ) {
    for (const item of moving) this.#putAside(item, item, `transfer[${this.aside.length}]`);
  }

  /** @throws OffloadError AR_PAYLOAD_NOT_CLONEABLE, and what a getter throws */
  copy(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return isPrimitive(value) ? value : refuseValue(this.label, value);
    const made = this.#copy(value);
    // Not at once: an error may hold what holds it. Those that are met here are added behind.
    for (const pending of this.#errors) this.#errorContents(pending);
    return made;
  }

  #part(value: unknown, step: Step): unknown {
    if (typeof value === "object" && value !== null) {
      this.#steps.push(step);
      const made = this.#copy(value);
      this.#steps.pop();
      return made;
    }
    if (isPrimitive(value)) return value;
    this.#steps.push(step);
    return refuseValue(this.#where(), value);
  }

  #copy(value: object): unknown {
    const known = this.#copies.get(value);
    if (known !== undefined) return known;
    if (this.#steps.length >= maxDepth) throw tooDeep(this.#where());
    return this.#object(value);
  }

  #object(value: object): unknown {
    const aside = this.#asideNumbers.get(value);
    if (aside !== undefined) return this.#moving(value, aside);
    if (Array.isArray(value)) return this.#array(value);
    if (ArrayBuffer.isView(value)) return this.#remember(value, this.#view(value));
    if (types.isMap(value)) return this.#map(value);
    if (types.isSet(value)) return this.#set(value);
    const prototype: object | null = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return this.#plain(value);
    return this.#leaf(value) ?? this.#instance(value, prototype);
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
        made[index] = this.#part(value[index], index);
      }
    } else {
      for (let index = 0; index < length; index++) {
        const item = value[index];
        if (item === undefined && !Object.hasOwn(value, index)) continue;
        items++;
        made[index] = this.#part(item, index);
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
      const field = this.#part((value as Record<string, unknown>)[key], key);
      // Assigning `__proto__` would set the prototype of the copy.
      if (key === "__proto__") {
        Object.defineProperty(made, key, { value: field, enumerable: true, configurable: true, writable: true });
      } else (made as Record<string, unknown>)[key] = field;
    }
  }

  #map(value: Map<unknown, unknown>): Map<unknown, unknown> {
    const made = new Map<unknown, unknown>();
    this.#remember(value, made);
    for (const [key, item] of value) made.set(this.#part(key, mapKey), this.#part(item, { get: key }));
    return made;
  }

  #set(value: Set<unknown>): Set<unknown> {
    const made = new Set<unknown>();
    this.#remember(value, made);
    for (const item of value) made.add(this.#part(item, setItem));
    return made;
  }

  /** V8 writes exactly what a view shows, except on memory that is not copied. */
  #view(value: ArrayBufferView): object {
    const { buffer } = value;
    let aside = this.#asideNumbers.get(buffer);
    if (aside === undefined && types.isSharedArrayBuffer(buffer)) aside = this.#putAside(buffer, buffer, this.#where());
    try {
      // Fails on a detached buffer.
      new Uint8Array(buffer);
      if (aside === undefined) return value;
      return new ViewMarker(codes.viewOnAside + viewNumber(value), aside, value.byteOffset, value.byteLength);
    } catch (error) {
      throw notCloneable(`${this.#where()} is a view of a detached ArrayBuffer`, error);
    }
  }

  /** Objects that are no containers, and errors; undefined for all others. */
  #leaf(value: object): unknown {
    if (types.isDate(value) || types.isRegExp(value)) return value;
    if (types.isBoxedPrimitive(value) && !types.isSymbolObject(value)) return value;
    if (types.isArrayBuffer(value)) return this.#remember(value, this.#buffer(value));
    if (types.isSharedArrayBuffer(value)) return this.#moving(value, this.#putAside(value, value, this.#where()));
    // In an error it is the reason, as of an aborted fetch.
    if (value instanceof DOMException && this.#generation === 0) refuseInstance(this.#where(), value, "DOMException");
    if (isError(value)) return this.#error(value);
    const text = textOf(value);
    return text && this.#remember(value, text);
  }

  #buffer(value: ArrayBuffer): ArrayBuffer {
    try {
      value.slice(0, 0);
    } catch (error) {
      refuseObject(this.#where(), value, error);
    }
    if (isLargeBuffer(value)) this.buffers.push(value);
    return value;
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
    if (cloned !== undefined) return this.#besides(value, cloned);
    if (this.onInstance !== undefined) report(prototype, () => this.#where(), this.onInstance);
    return this.#plain(value);
  }

  #besides(value: object, cloned: object): unknown {
    if (!(value instanceof File)) return this.#moving(value, this.#putAside(value, cloned, this.#where()));
    const blob = new Blob([value], { type: value.type });
    return this.#remember(value, new FileMarker(this.#putAside(value, blob, this.#where()), value));
  }

  /** Structured clone refused an instance: for a field that is named here, for one that we can carry, or for its class. */
  #uncloneable(value: object, prototype: object, error: unknown): object {
    const made = this.#plain(value);
    if (!Object.keys(value).some((key) => isUncloneable(Reflect.get(value, key)))) {
      refuseObject(this.#where(), value, error);
    }
    rememberPlain(prototype);
    if (this.onInstance !== undefined) report(prototype, () => this.#where(), this.onInstance);
    return made;
  }

  #error(error: Error): ErrorMarker {
    if (this.#generation === maxGenerations) throw tooDeep(this.#where());
    const marker = new ErrorMarker();
    this.#errors.push({ error, marker, steps: [...this.#steps], generation: this.#generation + 1 });
    return this.#remember(error, marker);
  }

  #errorContents({ error, marker, steps, generation }: PendingError): void {
    this.#steps = [...steps];
    this.#generation = generation;
    const members = membersOf(error);
    marker.contents = {
      name: text(() => error.name) ?? "Error",
      message: text(() => error.message) ?? "",
      stack: text(() => error.stack),
      cause: this.#attempt(() => error.cause, "cause"),
      errors: members?.map((member, index) => this.#attempt(() => member, index)),
      fields: fieldsOf(error, members !== undefined, (field, key) => this.#attempt(() => field, key)),
    };
  }

  /** The copy of a part of an error; undefined for what cannot be copied, of which nothing is left behind. */
  #attempt(get: () => unknown, step: Step): unknown {
    const { length } = this.#steps;
    const counts = [this.#order.length, this.#errors.length, this.aside.length, this.buffers.length] as const;
    try {
      return this.#part(get(), step);
    } catch {
      this.#steps.length = length;
      for (const object of this.#order.splice(counts[0])) this.#copies.delete(object);
      this.#errors.length = counts[1];
      this.aside.length = this.asidePaths.length = counts[2];
      for (const [item, number] of this.#asideNumbers) if (number >= counts[2]) this.#asideNumbers.delete(item);
      this.buffers.length = counts[3];
      return undefined;
    }
  }

  #moving(value: object, number: number): AsideMarker {
    // The path in the payload says more than the place in the transfer list.
    this.asidePaths[number] = this.#where();
    return this.#remember(value, new AsideMarker(codes.aside, number));
  }

  #putAside(value: unknown, travelling: unknown, path: string): number {
    const number = this.aside.push(travelling) - 1;
    this.asidePaths.push(path);
    this.#asideNumbers.set(value, number);
    return number;
  }

  #remember<Copy>(value: object, made: Copy): Copy {
    this.#copies.set(value, made);
    this.#order.push(value);
    return made;
  }

  #where(): string {
    return pathOf(this.label, this.#steps);
  }
}

export function isPrimitive(value: unknown): boolean {
  return typeof value !== "function" && typeof value !== "symbol";
}

function textOf(value: object): TextMarker | undefined {
  try {
    if (value instanceof URL) return new TextMarker(codes.url, value.href);
    if (value instanceof URLSearchParams) return new TextMarker(codes.urlSearchParams, value.toString());
  } catch {
    // It has the prototype and nothing else of the class.
  }
  return undefined;
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
