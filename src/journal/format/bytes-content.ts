// The content of a task whose payload or context was captured as bytes: a header in JSON with one field for each value,
// then the bytes of those values that the header only gives the lengths of.
import { deserialize, serialize } from "node:v8";
import { isBytes, type PayloadBytes } from "../../core/payload/payload.js";
import { streamVersion, v8Mark } from "../../core/payload/stream/stream-format.js";
import { fromStored } from "../../core/payload/wire-form.js";
import type { Content } from "./encode.js";
import { encodings } from "./format.js";
import { JsonWriter } from "./json.js";
import { checkSelfContained, checkStorable, serializeStorable } from "./unstorable.js";

/** The length of the header (u32) comes first. */
const lengthBytes = 4;

const usualHeader = 4 * 1024;

// Used again by the next call.
const memory = Buffer.allocUnsafeSlow(usualHeader);

// Behind the mark. Earlier versions wrote payloads with V8's serializer.
const v8Version = Number(serialize(undefined)[1]);

const jsonWriter = new JsonWriter();

/**
 * @param values payload, dispatch options, context, id of the parent, carrier
 * @returns bytes that are valid until the next call
 * @throws OffloadError AR_PAYLOAD_NOT_CLONEABLE for bytes that refer to something outside of themselves, such as a port
 */
export function encodeBytes(values: readonly unknown[]): Content {
  const [first] = values;
  // The usual one.
  if (values.length === 1 && isBytes(first)) return whole([headerOf(`[${fieldOf(first)}]`), first.bytes]);
  checkStorable(values);
  const chunks: Uint8Array[] = [];
  const fields = values.map((value) => encodeField(value, chunks));
  return whole([headerOf(`[${fields.join()}]`), ...chunks]);
}

function whole(chunks: readonly Uint8Array[]): Content {
  let length = 0;
  for (const chunk of chunks) length += chunk.length;
  return { encoding: encodings.bytes, chunks, length };
}

/** @returns bytes that are valid until the next call */
function headerOf(fields: string): Buffer {
  const most = lengthBytes + 3 * fields.length;
  const header = most <= usualHeader ? memory : Buffer.allocUnsafeSlow(most);
  const length = header.write(fields, lengthBytes, "utf8");
  header.writeUInt32LE(length, 0);
  return header.subarray(0, lengthBytes + length);
}

/** @throws an error of any kind for bytes that this version of Node.js cannot read */
export function decodeBytes(content: Buffer): unknown[] {
  const headerEnd = lengthBytes + content.readUInt32LE(0);
  const fields: unknown = JSON.parse(content.toString("utf8", lengthBytes, headerEnd));
  if (!Array.isArray(fields)) throw new TypeError("the header is no array");
  let at = headerEnd;
  const take = (length: number): Uint8Array => {
    at += length;
    if (at > content.length) throw new RangeError("the content is too short");
    // A copy with a buffer of its own, because this one holds the records of other tasks too.
    return new Uint8Array(content.subarray(at - length, at));
  };
  const values = fields.map((field) => decodeField(field, take));
  if (at !== content.length) throw new RangeError("the content is too long");
  return values;
}

/**
 * A value in the header, as JSON. `null`: undefined. `json`: the value itself. `v8`: so many bytes that V8 serialized. `bytes`: the
 * lengths of {@link PayloadBytes}. It is put together here, because objects for JSON.stringify() cost twice as much.
 */
function encodeField(value: unknown, chunks: Uint8Array[]): string {
  if (value === undefined) return "null";
  if (isBytes(value)) {
    chunks.push(value.bytes);
    return fieldOf(value);
  }
  if (jsonWriter.write([value]) !== undefined) return `{"json":${JSON.stringify(value)}}`;
  const bytes = serializeStorable(value);
  chunks.push(bytes);
  return `{"v8":${bytes.length}}`;
}

function fieldOf(payload: PayloadBytes): string {
  const { bytes, lengths } = payload;
  checkSelfContained(payload);
  if (sum(lengths) !== bytes.length) throw new RangeError("a payload is not as long as its parts");
  return `{"bytes":[${lengths.length === 1 ? lengths[0] : lengths.join()}]}`;
}

function decodeField(field: unknown, take: (length: number) => Uint8Array): unknown {
  if (field === null) return undefined;
  if (typeof field !== "object") throw new TypeError("a value has no form");
  if ("json" in field) return field.json;
  if ("v8" in field && typeof field.v8 === "number") return deserialize(take(field.v8));
  if ("bytes" in field && isLengths(field.bytes)) {
    const bytes = take(sum(field.bytes));
    // The thread that reads the bytes could only fail the task. As a dead letter it can be run by a newer Node.js.
    if (bytes[0] === v8Mark && Number(bytes[1]) > v8Version) throw new RangeError("a newer V8 wrote it");
    if (bytes[0] !== v8Mark && Number(bytes[0]) > streamVersion) throw new RangeError("a newer version wrote it");
    return fromStored(bytes, field.bytes);
  }
  throw new TypeError("a value has an unknown form");
}

function isLengths(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((length) => Number.isSafeInteger(length) && length >= 0);
}

function sum(lengths: readonly number[]): number {
  let total = 0;
  for (const length of lengths) total += length;
  return total;
}
