// A payload is captured by value at the call, once: a flat one as a copied object, any other as the bytes that the thread, the
// journal and an engine get. Left to postMessage it would be copied at the dispatch, when the caller may have changed it, and
// a view would ship the whole buffer behind it, for a small Buffer Node's pool with other requests' bytes.
import { types } from "node:util";
import { describe } from "../../base/errors.js";
import { type Beside, type Captured, PayloadBytes } from "./payload.js";
import { restore } from "./restore.js";
import { type Assembled, assemble, type Place } from "./stream/assemble.js";
import type { OnInstance } from "./walk/classes.js";
import type { Collected } from "./walk/collected.js";
import { refuseNamespace } from "./walk/platform-objects.js";
import { notCloneable, prototypeOf, refuseValue } from "./walk/refusals.js";
import { isPrimitive, takeWalk, type Walk } from "./walk/walk.js";

/** ArrayBuffers, ports and streams that move instead of being copied. */
export type TransferList = readonly unknown[];

export interface CaptureOptions {
  /** What moves. It is detached here, and nothing is when the capture throws. */
  readonly transfer?: TransferList | undefined;
  /**
   * Called with the first instance, in this process, of each class whose instances arrive as plain objects, unless the class
   * declares that by a static field `plainPayload = true`.
   */
  readonly onInstance?: OnInstance | undefined;
  /**
   * Called with the size of what is captured, moved buffers included, before anything moves. What it throws refuses the
   * capture, and nothing has moved then.
   */
  readonly beforeMoving?: ((bytes: number) => void) | undefined;
}

/** An object with more fields is serialised: to copy one of 20,000 fields takes twice as long as to write it. */
const mostFlatFields = 24;
const noOptions: CaptureOptions = {};

/**
 * A value as it can be kept and sent. What arrives equals it, with the rules of structured clone and these beyond them: a view
 * brings exactly what it shows, in a buffer of its own; a Buffer arrives as a Buffer, an error with its name, code, cause,
 * members and fields, a URL and URLSearchParams as themselves. An instance of a class arrives as a plain object.
 *
 * Each part is read once and in order, so each getter is called once.
 *
 * @param label how messages call the value, such as "payload"
 * @returns the value itself where it is a primitive, a copy where it is a flat object, else its bytes, which from 64 KiB on
 *   lie in shared memory until they are released
 * @throws OffloadError AR_PAYLOAD_NOT_CLONEABLE with the path of the culprit, and what a getter throws
 */
export function capture(value: unknown, label = "payload", options: CaptureOptions = noOptions): Captured {
  const { transfer } = options;
  if (transfer !== undefined && transfer.length > 0) return captureMoving(value, label, transfer, options);
  if (typeof value !== "object" || value === null) return isPrimitive(value) ? value : refuseValue(label, value);
  const fields = fieldsOnce(value, label);
  if (isFlat(fields)) return fields;
  return toBytes(value, fields, label, "arena", options.onInstance);
}

/**
 * Captures a value for as long as `use` takes: for whoever has a copy on record then, memory of its own would be made for nothing.
 *
 * @throws as {@link capture}, and what `use` throws
 */
export function captureBriefly<Result>(
  value: unknown,
  label: string,
  { onInstance }: CaptureOptions,
  use: (captured: Captured) => Result,
): Result {
  if (typeof value !== "object" || value === null) return use(isPrimitive(value) ? value : refuseValue(label, value));
  const fields = fieldsOnce(value, label);
  if (isFlat(fields)) return use(fields);
  const walk = takeWalk(label, [], onInstance);
  let captured: PayloadBytes | undefined;
  try {
    walk.write(value, fields);
    captured = payloadBytes(assemble(walk.out, walk.found.parts, "brief"), walk.found);
    return use(captured);
  } finally {
    captured?.release();
    walk.end();
  }
}

/**
 * A copy of all that a value holds, of what is in `transfer` too, for whoever keeps it beyond this process. Ports and streams,
 * which cannot be copied, are in `aside`, with their paths.
 */
export function captureWhole(value: unknown, label = "payload", transfer: TransferList = []): Captured {
  const uncopied = transfer.filter((item) => !types.isArrayBuffer(item));
  if (uncopied.length === 0) return capture(value, label);
  const walk = takeWalk(label, uncopied);
  const { found } = walk;
  const { bytes, lengths, beside } = written(walk, value, "arena");
  return new PayloadBytes(bytes, lengths, besideBytes(beside, found));
}

/**
 * A value to be sent away from this thread, such as a result. Large buffers are copied once, into buffers of their own that
 * `transferList()` moves: the other side does not copy them again. It can be restored once.
 */
export function captureForMoving(value: unknown, label = "payload"): Captured {
  if (typeof value !== "object" || value === null) return isPrimitive(value) ? value : refuseValue(label, value);
  const fields = fieldsOnce(value, label);
  return isFlat(fields) ? fields : toBytes(value, fields, label, "loose");
}

/** A copy of a value for this thread, by the rules of {@link capture}. */
export function copy(value: unknown, label = "payload"): unknown {
  if (typeof value !== "object" || value === null) return isPrimitive(value) ? value : refuseValue(label, value);
  const fields = fieldsOnce(value, label);
  return isFlat(fields) ? fields : restore(toBytes(value, fields, label, "loose"));
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
    throw notCloneable(
      `transfer[${index}]: expected an ArrayBuffer, which can be sent again for each of ${attempts} attempts, ` +
        `got ${describe(item)}, which moves once; give the call attempts: 1, or leave it out`,
    );
  }
}

/**
 * The fields of a plain object with few of them, read once: the common payload is flat, and to copy it takes 60 ns, where to write four
 * fields takes some hundred. Fields under symbols come along; none arrives.
 */
function fieldsOnce(value: object, label: string): object | undefined {
  if (prototypeOf(value, label) !== Object.prototype) return undefined;
  const fields = countFields(value);
  if (fields === 0) refuseNamespace(value, label);
  return fields > mostFlatFields ? undefined : { ...value };
}

function isFlat(fields: object | undefined): boolean {
  if (fields === undefined) return false;
  for (const key in fields) {
    const field = (fields as Readonly<Record<string, unknown>>)[key];
    if ((typeof field === "object" && field !== null) || !isPrimitive(field)) return false;
  }
  return true;
}

/** Stops at the first too many. */
function countFields(value: object): number {
  let fields = 0;
  for (const _ in value) if (++fields > mostFlatFields) break;
  return fields;
}

/** @param fields of the value where they have been read already */
function toBytes(
  value: object,
  fields: object | undefined,
  label: string,
  place: Place,
  onInstance?: OnInstance,
): PayloadBytes {
  const walk = takeWalk(label, [], onInstance);
  const { found } = walk;
  return payloadBytes(written(walk, value, place, fields), found);
}

function payloadBytes({ bytes, lengths, beside }: Assembled, found: Collected): PayloadBytes {
  return new PayloadBytes(bytes, lengths, found.aside.length === 0 ? beside : besideBytes(beside, found));
}

function besideBytes(beside: Beside | undefined, { aside, asidePaths, asideKinds }: Collected): Beside {
  return { ...beside, aside, asidePaths, asideKinds };
}

function written(walk: Walk, value: unknown, place: Place, fields?: object): Assembled {
  try {
    walk.write(value, fields);
    return assemble(walk.out, walk.found.parts, place);
  } finally {
    walk.end();
  }
}

function captureMoving(
  value: unknown,
  label: string,
  transfer: TransferList,
  { onInstance, beforeMoving }: CaptureOptions,
): PayloadBytes {
  for (const [index, item] of transfer.entries()) refuseDetached(item, `transfer[${index}]`);
  // All that can throw comes before anything is detached.
  const walk = takeWalk(label, transfer, onInstance);
  const { found } = walk;
  const { bytes, lengths, beside } = written(walk, value, "arena");
  let moved: object[];
  try {
    const moving = transfer.reduce((sum: number, item) => sum + (types.isArrayBuffer(item) ? item.byteLength : 0), 0);
    beforeMoving?.(bytes.byteLength + moving);
  } catch (refusal) {
    beside?.free?.();
    throw refusal;
  }
  try {
    moved = structuredClone([...transfer] as object[], { transfer: [...transfer] as ArrayBuffer[] });
  } catch (error) {
    beside?.free?.();
    const place = transfer.length === 1 ? "transfer[0]" : "transfer";
    throw notCloneable(`${place}: ${words(error)}`, error);
  }
  const kept = transfer.findIndex((item) => types.isArrayBuffer(item) && item.byteLength > 0);
  if (kept !== -1) {
    beside?.free?.();
    throw notCloneable(unmovable(kept));
  }
  const aside = [...moved, ...found.aside.slice(transfer.length)];
  return new PayloadBytes(bytes, lengths, { ...besideBytes(beside, found), aside, moved });
}

/** Node.js 20 copies such a buffer without a word, Node's pool with other requests' bytes in it. Later ones throw by themselves. */
function unmovable(index: number): string {
  return (
    `transfer[${index}] is an ArrayBuffer that cannot be moved, such as Node's pool of small Buffers or the memory of ` +
    "WebAssembly; leave it out, and what the payload shows of it is copied"
  );
}

/** A buffer that was moved before: Node 20 would move it again, empty, and say nothing. */
function refuseDetached(value: unknown, path: string): void {
  if (!types.isArrayBuffer(value)) return;
  try {
    value.slice(0, 0);
  } catch (error) {
    throw notCloneable(`${path} is a detached ArrayBuffer: it has been moved already`, error);
  }
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
