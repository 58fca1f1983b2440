// What is kept of a task (payload, options of its dispatch, context) as the content of its record, and back.
//
// Values are JSON where JSON loses nothing: 0.5 us for a small payload against 1.8 for v8.serialize, readable without V8.
// Otherwise they are what V8 serializes. A payload that was captured as bytes is not serialized again.
import { deserialize } from "node:v8";
import { OffloadError } from "../../base/errors.js";
import { type Captured, isBytes } from "../../core/payload/payload.js";
import { type Carrier, toCarrier } from "../../core/trace/carrier.js";
import { decodeBytes, encodeBytes } from "./bytes-content.js";
import type { Content } from "./encode.js";
import { type Encoding, encodings } from "./format.js";
import { JsonWriter } from "./json.js";
import { checkStorable, serializeStorable } from "./unstorable.js";

const jsonWriter = new JsonWriter();

/**
 * What is kept of a task: its payload, the options its dispatch had (an object), the context captured at the call, the id of the
 * task that dispatched it, and what its tracers want back.
 */
export interface TaskContent {
  readonly payload: Captured;
  readonly dispatch: unknown;
  readonly context: Captured;
  readonly parent?: string | undefined;
  readonly carrier?: Carrier | undefined;
}

/**
 * @param content captured values: structured clone takes everything in them
 * @returns bytes that are valid until the next call
 * @throws OffloadError AR_PAYLOAD_NOT_CLONEABLE for what has no meaning in another process
 */
export function encodeContent({ payload, dispatch, context, parent, carrier }: TaskContent): Content {
  const values: unknown[] = [payload];
  if (dispatch !== undefined || context !== undefined || parent !== undefined || carrier !== undefined) {
    values.push(givenOf(dispatch), context, parent, carrier);
    // What is undefined at the end is left out.
    while (values.at(-1) === undefined) values.pop();
  }
  if (isBytes(payload) || isBytes(context)) return encodeBytes(values);
  const json = jsonWriter.write(values);
  if (json !== undefined) return contentOf(encodings.json, json);
  checkStorable(values);
  return contentOf(encodings.v8, serializeStorable(values));
}

/** Content in base64 has four bytes for three, and stands between names in JSON. */
const besideContent = 256;

/**
 * Refuses content that the queue of an engine does not take.
 *
 * @param mostBytes of the task as JSON. Content that is no JSON may go as base64
 * @throws OffloadError AR_PAYLOAD_TOO_LARGE
 */
export function checkTravels({ encoding, length }: Content, mostBytes: number): void {
  const asJson = besideContent + (encoding === encodings.json ? length : Math.ceil(length / 3) * 4);
  if (asJson <= mostBytes) return;
  throw new OffloadError(
    "AR_PAYLOAD_TOO_LARGE",
    `the payload and its context take ${asJson} bytes, and the queue of the option engine takes ${mostBytes} for a task; send a key or a ` +
      "path instead of the content, or keep the task in this process by its policy engine: false",
  );
}

/**
 * Encodes what goes to a queue without having been on record.
 *
 * @throws OffloadError AR_PAYLOAD_NOT_CLONEABLE, AR_PAYLOAD_TOO_LARGE
 */
export function encodeToTravel(content: TaskContent, mostBytes: number): Content {
  try {
    const encoded = encodeContent(content);
    checkTravels(encoded, mostBytes);
    return encoded;
  } catch (error) {
    throw inOtherWords(error);
  }
}

/** Here is no journal to blame. */
function inOtherWords(error: unknown): unknown {
  if (!(error instanceof OffloadError) || error.code !== "AR_PAYLOAD_NOT_CLONEABLE") return error;
  const message = error.message.replace("which a journal cannot hold", "which means nothing to another process");
  return new OffloadError(error.code, `${message}; the policy engine: false keeps the task in this one`);
}

/** Content that has been encoded before. */
export function contentOf(encoding: Encoding, bytes: Uint8Array): Content {
  return { encoding, chunks: [bytes], length: bytes.length };
}

/** @throws an error of any kind for bytes that this version of Node.js cannot read */
export function decodeContent(encoding: Encoding, bytes: Buffer): TaskContent {
  const values = decodeValues(encoding, bytes);
  if (!Array.isArray(values)) throw new TypeError("the content is no array");
  const [payload, dispatch, context, parent, carrier]: unknown[] = values;
  return {
    payload,
    dispatch: dispatch ?? undefined,
    context,
    parent: typeof parent === "string" ? parent : undefined,
    carrier: toCarrier(carrier),
  };
}

function decodeValues(encoding: Encoding, bytes: Buffer): unknown {
  if (encoding === encodings.bytes) return decodeBytes(bytes);
  if (encoding === encodings.json) return JSON.parse(bytes.toString("utf8"));
  // A copy for V8 alone: the views that it makes refer to the buffer that it reads, which holds other tasks' bytes too.
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return deserialize(copy);
}

/** Options without those that are undefined. They count as left out, and JSON cannot hold them. */
function givenOf(dispatch: unknown): unknown {
  if (typeof dispatch !== "object" || dispatch === null) return null;
  return Object.fromEntries(Object.entries(dispatch).filter(([, value]) => value !== undefined));
}
