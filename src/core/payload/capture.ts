// A payload is captured by value at the call, with the semantics of structured clone. Measured reasons not to leave that
// to postMessage: it copies at dispatch, when the caller may have changed the object; and a view ships the whole
// buffer behind it, which for a small Buffer is Node's 8 KiB pool with other requests' bytes.
import { types } from "node:util";
import { describe, OffloadError } from "../../base/errors.js";

// A client chooses how deep the JSON it sends is nested. Posted from the main thread, structured clone overflows the stack
// from 1,595 levels on (measured on Node 20 to 26), at a time when nobody can be told any more.
const maxDepth = 1_000;

const typedArrayPrototype: object = Object.getPrototypeOf(Uint8Array.prototype);

/** Prototypes whose instances structured clone takes for plain objects, as it does with those of most classes. */
const plainInstances = new WeakSet<object>();

/** Buffers that move instead of being copied. */
export type TransferList = readonly unknown[];

/**
 * A copy of `value` that shares nothing with it but SharedArrayBuffers and what is in `transfer`, which is detached here.
 *
 * @param value what structured clone takes
 * @param label how messages call the value, such as "payload"
 * @param transfer ArrayBuffers and MessagePorts to move
 * @param beforeMoving is given the copy before anything is detached, and may throw
 * @returns the copy, and the moved objects as they are now
 * @throws OffloadError AR_PAYLOAD_NOT_CLONEABLE with the path of the culprit, and what `beforeMoving` throws; nothing has
 *   been detached then
 */
export function capture(
  value: unknown,
  label = "payload",
  transfer?: TransferList,
  beforeMoving: (copied: unknown) => void = () => {},
): { value: unknown; transfer: TransferList | undefined } {
  if (transfer === undefined || transfer.length === 0) {
    const copied = copy(value, label);
    beforeMoving(copied);
    return { value: copied, transfer: undefined };
  }
  for (const [index, item] of transfer.entries()) refuseDetached(item, `transfer[${index}]`);
  // The walk finds a culprit before anything is detached; the clone then moves.
  const walked = new Walk(new Set(transfer)).copy(value, label);
  beforeMoving(walked);
  try {
    const moved: [unknown, unknown[]] = structuredClone([walked, [...transfer]], {
      transfer: [...transfer] as ArrayBuffer[],
    });
    return { value: moved[0], transfer: moved[1] };
  } catch (error) {
    throw new OffloadError("AR_PAYLOAD_NOT_CLONEABLE", `transfer: ${words(error)}`, { cause: error });
  }
}

/**
 * Refuses what can move but once, such as a port or a stream, to a task that may be sent to a thread more than once. An
 * ArrayBuffer is copied to the thread then.
 *
 * @param attempts of the task, at the most
 * @throws OffloadError AR_PAYLOAD_NOT_CLONEABLE that names the item
 */
export function refuseToMoveAgain(transfer: TransferList, attempts: number): void {
  if (attempts === 1) return;
  for (const [index, item] of transfer.entries()) {
    if (types.isArrayBuffer(item)) continue;
    throw new OffloadError(
      "AR_PAYLOAD_NOT_CLONEABLE",
      `transfer[${index}]: expected an ArrayBuffer, which can be sent again for each of ${attempts} attempts, ` +
        `got ${describe(item)}, which moves once; give the call attempts: 1, or leave it out`,
    );
  }
}

/**
 * A copy of `value` that shares nothing with it but SharedArrayBuffers.
 *
 * @throws OffloadError AR_PAYLOAD_NOT_CLONEABLE with the path of the culprit
 */
export function copy(value: unknown, label = "payload"): unknown {
  if (typeof value !== "object" || value === null) return isPrimitive(value) ? value : refuse(label, value);
  return flatCopy(value) ?? new Walk().copy(value, label);
}

/** The common payload, an object of primitives, without a walk: 60 ns against 400 for the walk of four fields. */
function flatCopy(value: object): object | undefined {
  if (Object.getPrototypeOf(value) !== Object.prototype) return undefined;
  // Looked at once copied, for a getter may answer otherwise the next time. Fields under symbols come along; none arrives.
  const made = { ...value };
  for (const key in made) {
    const field: unknown = Reflect.get(made, key);
    if ((typeof field === "object" && field !== null) || !isPrimitive(field)) return undefined;
  }
  return made;
}

/** A buffer that was moved before: Node 20 would move it again, empty, and say nothing. */
function refuseDetached(value: unknown, path: string): void {
  if (!(value instanceof ArrayBuffer)) return;
  try {
    value.slice(0, 0);
  } catch (error) {
    throw new OffloadError("AR_PAYLOAD_NOT_CLONEABLE", `${path} is a detached ArrayBuffer: it has been moved already`, {
      cause: error,
    });
  }
}

function isPrimitive(value: unknown): boolean {
  return typeof value !== "function" && typeof value !== "symbol";
}

class Walk {
  // What has been copied: an object that is met twice, or holds itself, is copied once.
  readonly #copies = new Map<object, unknown>();
  #depth = 0;

  constructor(private readonly moving: ReadonlySet<unknown> = new Set()) {}

  copy(value: unknown, path: string): unknown {
    if (typeof value !== "object" || value === null) return isPrimitive(value) ? value : refuse(path, value);
    if (this.moving.has(value)) return value;
    const known = this.#copies.get(value);
    if (known !== undefined) return known;
    this.#depth++;
    if (this.#depth > maxDepth) throw tooDeep(path);
    const made = this.#object(value, path);
    this.#depth--;
    return made;
  }

  #object(value: object, path: string): unknown {
    if (Array.isArray(value)) return this.#array(value, path);
    if (ArrayBuffer.isView(value)) return this.#remember(value, this.#view(value, path));
    if (types.isMap(value)) return this.#map(value, path);
    if (types.isSet(value)) return this.#set(value, path);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return this.#plain(value, path);
    return this.#instance(value, prototype as object, path);
  }

  #array(value: readonly unknown[], path: string): unknown[] {
    const made: unknown[] = new Array(value.length);
    this.#copies.set(value, made);
    let items = 0;
    // forEach passes over holes, as structured clone does.
    value.forEach((item, index) => {
      items++;
      made[index] = typeof item === "number" || typeof item === "string" ? item : this.copy(item, `${path}[${index}]`);
    });
    // An array may have fields beside its items, as what a regular expression matched has: their keys come last.
    const keys = Object.keys(value);
    if (keys.length > items) this.#fields(value, keys.slice(items), made, path);
    return made;
  }

  #plain(value: object, path: string): object {
    const made = {};
    this.#copies.set(value, made);
    this.#fields(value, Object.keys(value), made, path);
    return made;
  }

  #fields(value: object, keys: readonly string[], made: object, path: string): void {
    for (const key of keys) {
      const field = this.copy(Reflect.get(value, key), step(path, key));
      // Assigning `__proto__` would set the prototype of the copy.
      if (key === "__proto__")
        Object.defineProperty(made, key, { value: field, enumerable: true, configurable: true, writable: true });
      else Reflect.set(made, key, field);
    }
  }

  /**
   * An instance of a class arrives as a plain object and is walked like one: cloned apart, it would lose its share in the
   * rest of the payload, and bring a copy of all that it refers to.
   */
  #instance(value: object, prototype: object, path: string): unknown {
    if (plainInstances.has(prototype)) return this.#plain(value, path);
    const made = this.#leaf(value, path);
    if (Object.getPrototypeOf(made) !== Object.prototype) return this.#remember(value, made);
    plainInstances.add(prototype);
    return this.#plain(value, path);
  }

  #map(value: Map<unknown, unknown>, path: string): Map<unknown, unknown> {
    const made = new Map<unknown, unknown>();
    this.#copies.set(value, made);
    for (const [key, item] of value) {
      made.set(this.copy(key, `a key of ${path}`), this.copy(item, `${path}.get(${describe(key)})`));
    }
    return made;
  }

  #set(value: Set<unknown>, path: string): Set<unknown> {
    const made = new Set<unknown>();
    this.#copies.set(value, made);
    for (const item of value) made.add(this.copy(item, `an item of ${path}`));
    return made;
  }

  /** The bytes that the view shows and no others. */
  #view(value: ArrayBufferView, path: string): ArrayBufferView {
    if (this.moving.has(value.buffer) || types.isSharedArrayBuffer(value.buffer)) return value;
    let bytes: ArrayBufferLike;
    try {
      bytes = value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength);
    } catch (error) {
      throw new OffloadError("AR_PAYLOAD_NOT_CLONEABLE", `${path} is a view of a detached ArrayBuffer`, {
        cause: error,
      });
    }
    return Reflect.construct(viewType(value), [bytes]);
  }

  /** Dates, errors, Blobs and the rest: structured clone knows. */
  #leaf(value: object, path: string): object {
    try {
      return structuredClone(value);
    } catch (error) {
      // A field that cannot be copied throws in its own name. Where there is none it is the object itself.
      this.#plain(value, path);
      throw new OffloadError(
        "AR_PAYLOAD_NOT_CLONEABLE",
        `${path} is ${describe(value)}, which cannot be copied to a thread`,
        { cause: error },
      );
    }
  }

  #remember<Copy>(value: object, made: Copy): Copy {
    this.#copies.set(value, made);
    return made;
  }
}

/** The built-in class of a view: a Buffer arrives as a Uint8Array, as with structured clone, and so do subclasses of ours. */
function viewType(view: ArrayBufferView): new (buffer: ArrayBufferLike) => ArrayBufferView {
  // What the getter on their common prototype says cannot be overridden, as `constructor` can.
  const name: unknown = Reflect.get(typedArrayPrototype, Symbol.toStringTag, view);
  return Reflect.get(globalThis, typeof name === "string" ? name : "DataView");
}

function refuse(path: string, value: unknown): never {
  throw new OffloadError("AR_PAYLOAD_NOT_CLONEABLE", `${path} is ${kind(value)}, which cannot be copied to a thread`);
}

function tooDeep(path: string): OffloadError {
  const where = path.length > 60 ? `${path.slice(0, 57)}...` : path;
  return new OffloadError("AR_PAYLOAD_NOT_CLONEABLE", `${where} is nested more than ${maxDepth} levels deep`);
}

function kind(value: unknown): string {
  return typeof value === "symbol" ? "a symbol" : "a function";
}

function step(path: string, key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
