// The one walk over a payload. It reads each part once, in order, and writes it into the stream, or refuses the payload with the
// path of the first part that cannot arrive. V8's serializer would read each part a second time, write the names of each object
// anew, and turn what it does not know into `{}` without a word.
import { types } from "node:util";
import { reflect } from "../reflect.js";
import { ByteWriter } from "../stream/byte-writer.js";
import { rootShape, type Shape, trimShapes } from "../stream/shapes.js";
import { largeBytes, streamVersion, tags } from "../stream/stream-format.js";
import { hasNames, isSparse, namesOf } from "./arrays.js";
import { type Fate, fateOf, isKnownPlain, type OnInstance, rememberPlain, report, reportSubclass } from "./classes.js";
import { Collected } from "./collected.js";
import { isError } from "./error-parts.js";
import { ErrorQueue } from "./error-queue.js";
import { refuseFields, refuseHidden } from "./hidden-parts.js";
import { writeAside, writeLargeString, writeLeaf, writeView } from "./leaves.js";
import { refuseNamespace, refusePort } from "./platform-objects.js";
import { maxDepth, prototypeOf, refuseInstance, refuseObject, refuseValue, tooDeep } from "./refusals.js";
import { Seen } from "./seen.js";
import { mapKey, pathOf, type Step, setItem } from "./where.js";

/** The place of so many shapes is kept for the next payload. */
const mostKeptShapes = 64;

let walks = 0;

// V8 throws away the code that it has optimised for a class when a full collection finds no instance of it: a payload of 100 KB took
// 5 ms instead of 0.3 after each. This one stays, and to make its parts for each small payload would cost as much as to write that.
let free: Walk | undefined;

/**
 * The walk that was used last; a new one while that is in use, as when a getter dispatches.
 *
 * @param label how messages call the value
 * @param moving what stays as it is and travels aside, in this order
 */
export function takeWalk(label: string, moving: readonly unknown[] = [], onInstance?: OnInstance): Walk {
  const walk = free ?? new Walk();
  free = undefined;
  walk.begin(label, moving, onInstance);
  return walk;
}

export class Walk {
  readonly out: ByteWriter = new ByteWriter();
  found: Collected = new Collected();
  readonly seen: Seen = new Seen();
  /** Never empty: an array that grows from nothing for each payload costs as much as to write a few fields. */
  readonly steps: Step[] = [""];
  readonly #errors: ErrorQueue = new ErrorQueue(this);
  readonly #shapes: Shape[] = [];
  #shapeCount = 0;
  onInstance: OnInstance | undefined;
  #id = 0;
  #root: Shape = rootShape();
  #inherits = false;

  /** See {@link takeWalk}. */
  begin(label: string, moving: readonly unknown[], onInstance: OnInstance | undefined): void {
    this.#id = ++walks;
    this.#root = rootShape();
    this.#inherits = hasFields(Object.prototype);
    this.steps[0] = label;
    this.onInstance = onInstance;
    for (let index = 0; index < moving.length; index++) {
      this.found.putAside(moving[index], moving[index], `transfer[${index}]`);
    }
  }

  /**
   * Writes the whole stream.
   *
   * @param fields a copy of a plain object that is the value, whose own getters have been called for it
   * @throws OffloadError AR_PAYLOAD_NOT_CLONEABLE, and what a getter throws
   */
  write(value: unknown, fields?: object): void {
    const { out } = this;
    out.byte(streamVersion);
    const table = out.laterUint32();
    if (typeof value === "object" && value !== null) {
      if (fields === undefined) this.#object(value);
      else {
        // What leads back to the value leads to itself and not to the copy.
        this.seen.meet(value);
        if (this.#inherits) this.#own(fields);
        else this.#plain(fields);
      }
    } else if (isPrimitive(value)) this.#primitive(value);
    else refuseValue(this.where(), value);
    this.#errors.writeContents();
    out.fillUint32(table, out.at);
    this.#writeShapes();
    out.texts();
    trimShapes();
  }

  /** Gives the memory of the bytes back, and lets go of the payload. What was found has to be taken before. */
  end(): void {
    this.out.clear();
    // What was found is somebody's now.
    if (!this.found.isEmpty) this.found = new Collected();
    this.seen.clear();
    // To set a length is a call of V8's.
    if (this.steps.length > 1) this.steps.length = 1;
    this.#errors.clear();
    // A shape holds the whole tree that it is in, which may have been let go.
    if (this.#shapeCount > mostKeptShapes || this.#root !== rootShape()) this.#shapes.length = 0;
    this.#shapeCount = 0;
    this.#root = rootShape();
    this.onInstance = undefined;
    free = this;
  }

  part(value: unknown, step: Step): void {
    if (typeof value === "string") {
      if (value.length < largeBytes) this.out.string(value);
      else writeLargeString(value, this);
    } else if (typeof value === "number") this.out.number(value);
    else if (typeof value === "object" && value !== null) {
      this.steps.push(step);
      this.#object(value);
      this.steps.pop();
    } else if (isPrimitive(value)) this.#primitive(value);
    else {
      this.steps.push(step);
      refuseValue(this.where(), value);
    }
  }

  readonly where = (): string => pathOf(this.steps);

  #primitive(value: unknown): void {
    const { out } = this;
    if (value === undefined) out.byte(tags.undefined);
    else if (value === null) out.byte(tags.null);
    else if (value === true) out.byte(tags.true);
    else if (value === false) out.byte(tags.false);
    else if (typeof value === "number") out.number(value);
    else if (typeof value === "string") out.string(value);
    else {
      out.byte(tags.bigint);
      out.string(String(value));
    }
  }

  #object(value: object): void {
    const number = this.seen.meet(value);
    if (number !== undefined) {
      this.out.byte(tags.again);
      this.out.uint32(number);
      return;
    }
    if (this.steps.length > maxDepth) throw tooDeep(this.where());
    const prototype = prototypeOf(value, this.where);
    if (prototype === Object.prototype && !this.#inherits) this.#plain(value);
    else if (prototype === Array.prototype && Array.isArray(value)) this.#array(value);
    else this.#other(value, prototype);
  }

  #other(value: object, prototype: object | null): void {
    const number = this.found.numberOf(value);
    if (number !== undefined) this.#aside(number);
    else if (Array.isArray(value)) {
      this.#subclass(prototype);
      this.#array(value);
    } else if (ArrayBuffer.isView(value)) {
      this.#subclass(prototype);
      writeView(value, this);
    } else if (types.isMap(value)) {
      this.#subclass(prototype);
      this.#map(value);
    } else if (types.isSet(value)) {
      this.#subclass(prototype);
      this.#set(value);
    } else if (prototype === null && types.isExternal(value)) refuseObject(this.where(), value);
    else if (prototype === null || prototype === Object.prototype) this.#own(value);
    else if (isKnownPlain(prototype, this.onInstance !== undefined)) this.#own(value);
    else if (writeLeaf(value, this)) this.#subclass(prototype);
    else if (this.#isError(value)) this.#error(value);
    else this.#instance(value, prototype);
  }

  /** An object that inherits nothing that can be enumerated. */
  #plain(value: object): void {
    const { out } = this;
    out.byte(tags.object);
    const at = out.laterUint32();
    let shape = this.#root;
    for (const key in value) {
      shape = shape.with(key);
      this.part((value as Record<string, unknown>)[key], key);
    }
    if (shape === this.#root) refuseNamespace(value, this.where);
    out.fillUint32(at, this.#numberOf(shape));
  }

  #own(value: object): void {
    this.out.byte(tags.object);
    const names = Object.keys(value);
    if (names.length === 0) refuseHidden(value, this.where);
    this.#fields(value, names);
  }

  #fields(value: object, names: readonly string[]): void {
    const at = this.out.laterUint32();
    let shape = this.#root;
    for (const name of names) {
      shape = shape.with(name);
      this.part((value as Record<string, unknown>)[name], name);
    }
    this.out.fillUint32(at, this.#numberOf(shape));
  }

  #array(value: readonly unknown[]): void {
    const { out } = this;
    if (isSparse(value)) {
      this.#sparseArray(value);
      return;
    }
    const { length } = value;
    out.byte(tags.array);
    out.uint32(length);
    for (let index = 0; index < length; index++) {
      const item = value[index];
      if (item === undefined && !Object.hasOwn(value, index)) {
        out.byte(tags.hole);
        continue;
      }
      this.part(item, index);
    }
    if (hasNames(value)) this.#named(value, namesOf(value));
    else out.byte(0);
  }

  #sparseArray(value: readonly unknown[]): void {
    const { out } = this;
    const keys = Object.keys(value);
    const names = namesOf(value, keys);
    const count = keys.length - names.length;
    out.byte(tags.sparseArray);
    out.uint32(value.length);
    out.uint32(count);
    for (let item = 0; item < count; item++) {
      const index = Number(keys[item]);
      out.uint32(index);
      this.part(value[index], index);
    }
    this.#named(value, names);
  }

  /** An array may have fields beside its items, as what a regular expression matched has. */
  #named(value: readonly unknown[], names: readonly string[]): void {
    this.out.byte(names.length === 0 ? 0 : 1);
    if (names.length > 0) this.#fields(value, names);
  }

  #map(value: Map<unknown, unknown>): void {
    refuseFields(value, this.where);
    this.out.byte(tags.map);
    for (const [key, item] of value) {
      this.part(key, mapKey);
      this.part(item, { get: key });
    }
    this.out.byte(tags.end);
  }

  #set(value: Set<unknown>): void {
    refuseFields(value, this.where);
    this.out.byte(tags.set);
    for (const item of value) this.part(item, setItem);
    this.out.byte(tags.end);
  }

  /** An instance of a class that extends a built-in one arrives as an object of the latter. */
  #subclass(prototype: object | null): void {
    if (this.onInstance !== undefined && prototype !== null) reportSubclass(prototype, this.where, this.onInstance);
  }

  /** An instance of a class arrives as a plain object. */
  #instance(value: object, prototype: object): void {
    let fate: Fate;
    let cloned: object | undefined;
    refusePort(value, this.where);
    try {
      fate = fateOf(value, prototype);
      if (fate.kind === "aside") cloned = structuredClone(value);
    } catch (error) {
      this.#uncloneable(value, prototype, error);
      return;
    }
    if (fate.kind === "refused") refuseInstance(this.where(), value, fate.className);
    if (cloned !== undefined) {
      // It has the prototype and nothing else of the class.
      if (Object.getPrototypeOf(cloned) === Object.prototype) refuseObject(this.where(), value);
      writeAside(value, cloned, this);
      return;
    }
    if (this.onInstance !== undefined) report(prototype, this.where, this.onInstance);
    this.#own(value);
  }

  /** Structured clone refused an instance: for a field that is named here, for one that we can carry, or for its class. */
  #uncloneable(value: object, prototype: object, error: unknown): void {
    this.#own(value);
    if (!Object.keys(value).some((key) => isUncloneable(reflect.get(value, key)))) {
      refuseObject(this.where(), value, error);
    }
    rememberPlain(prototype);
    if (this.onInstance !== undefined) report(prototype, this.where, this.onInstance);
  }

  #isError(value: object): value is Error {
    // In an error it is the reason, as of an aborted fetch.
    return isError(value) && (this.#errors.isInside || !(value instanceof DOMException));
  }

  #error(error: Error): void {
    if (!this.#errors.add(error)) throw tooDeep(this.where());
  }

  #aside(number: number): void {
    // The path in the payload says more than the place in the transfer list.
    this.found.asidePaths[number] = this.where();
    this.out.byte(tags.aside);
    this.out.uint32(number);
  }

  #numberOf(shape: Shape): number {
    if (shape.walk !== this.#id) {
      shape.walk = this.#id;
      shape.number = this.#shapeCount;
      this.#shapes[this.#shapeCount++] = shape;
    }
    return shape.number;
  }

  #writeShapes(): void {
    const { out } = this;
    out.uint32(this.#shapeCount);
    for (let number = 0; number < this.#shapeCount; number++) {
      const shape = this.#shapes[number] as Shape;
      if (shape.written === undefined) this.#writeNames(shape);
      else out.raw(shape.written);
    }
  }

  #writeNames(shape: Shape): void {
    const { out } = this;
    const from = out.at;
    const parts = this.found.parts.length;
    const names = shape.names();
    out.uint32(names.length);
    for (const name of names) {
      if (name.length < largeBytes) out.stringInPlace(name);
      else writeLargeString(name, this);
    }
    // A part has another number in the next payload.
    if (this.found.parts.length === parts) shape.keepWritten(out.copy(from));
  }
}

export function isPrimitive(value: unknown): boolean {
  return typeof value !== "function" && typeof value !== "symbol";
}

function hasFields(value: object): boolean {
  for (const _ in value) return true;
  return false;
}

function isUncloneable(value: unknown): boolean {
  try {
    structuredClone(value);
    return false;
  } catch {
    return true;
  }
}
