// Objects without parts: what stands for each in the copy that the careful walk makes.
import { types } from "node:util";
import { AsideMarker, FileMarker, TextMarker, ViewMarker } from "../stream/markers.js";
import { codes, isLargeBuffer, viewNumber } from "../stream/stream-format.js";
import type { Collected } from "./collected.js";
import { notCloneable, refuseObject } from "./refusals.js";

/** Where the object is, in words. */
export type Where = () => string;

/** V8 writes exactly what a view shows, except on memory that is not copied. */
export function leafOfView(view: ArrayBufferView, found: Collected, where: Where): object {
  const { buffer } = view;
  let number = found.numberOf(buffer);
  if (number === undefined && types.isSharedArrayBuffer(buffer)) number = found.putAside(buffer, buffer, where());
  try {
    // Fails on a detached buffer.
    new Uint8Array(buffer);
    if (number === undefined) return view;
    return new ViewMarker(codes.viewOnAside + viewNumber(view), number, view.byteOffset, view.byteLength);
  } catch (error) {
    throw notCloneable(`${where()} is a view of a detached ArrayBuffer`, error);
  }
}

/** What stands for a built-in object without parts; undefined for all other objects. */
export function leafOf(value: object, found: Collected, where: Where): object | undefined {
  if (types.isDate(value) || types.isRegExp(value)) return value;
  if (types.isBoxedPrimitive(value) && !types.isSymbolObject(value)) return value;
  if (types.isArrayBuffer(value)) return leafOfBuffer(value, found, where);
  if (types.isSharedArrayBuffer(value)) return leafAside(value, value, found, where);
  try {
    if (value instanceof URL) return new TextMarker(codes.url, value.href);
    if (value instanceof URLSearchParams) return new TextMarker(codes.urlSearchParams, value.toString());
  } catch {
    // It has the prototype and nothing else of the class.
  }
  return undefined;
}

/** For an object that structured clone carries: `cloned` travels in its place. */
export function leafAside(value: object, cloned: object, found: Collected, where: Where): object {
  if (!(value instanceof File)) return new AsideMarker(codes.aside, found.putAside(value, cloned, where()));
  const blob = new Blob([value], { type: value.type });
  return new FileMarker(found.putAside(value, blob, where()), value);
}

function leafOfBuffer(value: ArrayBuffer, found: Collected, where: Where): ArrayBuffer {
  try {
    value.slice(0, 0);
  } catch (error) {
    refuseObject(where(), value, error);
  }
  if (isLargeBuffer(value)) found.buffers.push(value);
  return value;
}
