// Objects without parts: how each is written.
import { types } from "node:util";
import { serialize } from "node:v8";
import { reflect } from "../reflect.js";
import type { ByteWriter } from "../stream/byte-writer.js";
import { isLargeBuffer, largeBytes, tags, viewNumber } from "../stream/stream-format.js";
import type { Collected } from "./collected.js";
import { refuseFields } from "./hidden-parts.js";
import { notCloneable, refuseObject } from "./refusals.js";

const narrowMark = '"'.charCodeAt(0);
const wideMark = "c".charCodeAt(0);

/** The walk, as its leaves need it. */
export interface Writing {
  readonly out: ByteWriter;
  readonly found: Collected;
  /** Where the object is, in words. */
  readonly where: () => string;
}

/** A string of at least `largeBytes` characters. */
export function writeLargeString(text: string, { out, found }: Writing): void {
  // V8 alone knows at once in which of two ways it keeps a string. The characters are the last of what it writes, behind a mark.
  const written = serialize(text);
  const isNarrow = written.subarray(0, 4).includes(narrowMark);
  const isWide = !isNarrow && written.subarray(0, 4).includes(wideMark);
  const length = isNarrow ? text.length : 2 * text.length;
  const bytes = isNarrow || isWide ? written.subarray(written.length - length) : Buffer.from(text, "utf16le");
  out.byte(isNarrow ? tags.largeString : tags.largeWideString);
  out.uint32(found.addPart(bytes));
}

/** A view brings exactly what it shows, except on memory that is not copied. */
export function writeView(view: ArrayBufferView, { out, found, where }: Writing): void {
  const { buffer } = view;
  let aside = found.numberOf(buffer);
  if (aside === undefined && types.isSharedArrayBuffer(buffer)) aside = found.putAside(buffer, buffer, where());
  refuseDetached(view, where);
  const { byteOffset, byteLength } = view;
  const number = viewNumber(view);
  if (aside !== undefined) {
    out.byte(tags.viewOnAside);
    out.byte(number);
    out.uint32(aside);
    out.double(byteOffset);
    out.double(byteLength);
    return;
  }
  // A view that its shrunken buffer no longer reaches has no bytes, and none can be made at its offset.
  const bytes = byteLength === 0 ? new Uint8Array(0) : new Uint8Array(buffer, byteOffset, byteLength);
  if (byteLength >= largeBytes) {
    out.byte(tags.largeView);
    out.byte(number);
    out.uint32(found.addPart(bytes));
    return;
  }
  out.byte(tags.view);
  out.byte(number);
  out.uint32(byteLength);
  out.raw(bytes);
}

/** Writes a built-in object without parts. False: it is something else, and nothing was written. */
export function writeLeaf(value: object, writing: Writing): boolean {
  const { out } = writing;
  if (types.isDate(value)) {
    out.byte(tags.date);
    out.double(reflect.apply(Date.prototype.getTime, value, []));
  } else if (types.isRegExp(value)) {
    out.byte(tags.regExp);
    out.string(reflect.get(RegExp.prototype, "source", value));
    out.string(reflect.get(RegExp.prototype, "flags", value));
  } else if (types.isBoxedPrimitive(value) && !types.isSymbolObject(value)) writeBoxed(value, out);
  else if (types.isArrayBuffer(value)) writeBuffer(value, writing);
  else if (types.isSharedArrayBuffer(value)) writeAside(value, value, writing);
  else if (!writeUrl(value, out)) return false;
  refuseFields(value, writing.where);
  return true;
}

/** For an object that structured clone carries: `cloned` travels in its place. */
export function writeAside(value: object, cloned: object, { out, found, where }: Writing): void {
  if (!(value instanceof File)) {
    const number = found.putAside(value, cloned, where());
    out.byte(tags.aside);
    out.uint32(number);
    return;
  }
  const { blob, name, lastModified } = fileParts(value, where);
  const number = found.putAside(value, blob, where());
  out.byte(tags.file);
  out.uint32(number);
  out.string(name);
  out.double(lastModified);
}

/** Structured clone makes a Blob of a File up to Node.js 22. */
function fileParts(file: File, where: () => string): { blob: Blob; name: string; lastModified: number } {
  try {
    const { name, lastModified, type } = file;
    return { blob: new Blob([file], { type }), name, lastModified };
  } catch (error) {
    // It has the prototype and nothing else of the class.
    refuseObject(where(), file, error);
  }
}

function writeBoxed(value: object, out: ByteWriter): void {
  out.byte(tags.boxed);
  if (types.isNumberObject(value)) out.number(reflect.apply(Number.prototype.valueOf, value, []));
  else if (types.isStringObject(value)) out.string(reflect.apply(String.prototype.valueOf, value, []));
  else if (types.isBooleanObject(value)) {
    out.byte(reflect.apply(Boolean.prototype.valueOf, value, []) ? tags.true : tags.false);
  } else {
    out.byte(tags.bigint);
    out.string(String(reflect.apply(BigInt.prototype.valueOf, value, [])));
  }
}

function writeBuffer(value: ArrayBuffer, { out, found, where }: Writing): void {
  try {
    value.slice(0, 0);
  } catch (error) {
    refuseObject(where(), value, error);
  }
  if (isLargeBuffer(value)) {
    out.byte(tags.largeArrayBuffer);
    out.uint32(found.addPart(new Uint8Array(value)));
    return;
  }
  out.byte(tags.arrayBuffer);
  out.double(value.byteLength);
  out.double(reflect.get(value, "resizable") === true ? Number(reflect.get(value, "maxByteLength")) : -1);
  out.raw(new Uint8Array(value));
}

function writeUrl(value: object, out: ByteWriter): boolean {
  let tag: number;
  let text: string;
  try {
    if (value instanceof URL) [tag, text] = [tags.url, value.href];
    else if (value instanceof URLSearchParams) [tag, text] = [tags.urlSearchParams, value.toString()];
    else return false;
  } catch {
    // It has the prototype and nothing else of the class.
    return false;
  }
  out.byte(tag);
  out.string(text);
  return true;
}

function refuseDetached({ buffer }: ArrayBufferView, where: () => string): void {
  try {
    new Uint8Array(buffer);
  } catch (error) {
    throw notCloneable(`${where()} is a view of a detached ArrayBuffer`, error);
  }
}
