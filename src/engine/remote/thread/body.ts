// A task as a broker keeps it: JSON where JSON loses nothing, so that an operator can read it; otherwise base64 of what a journal
// would keep.
import { serialize } from "node:v8";
import { capture } from "../../../core/payload/capture.js";
import { isBytes } from "../../../core/payload/payload.js";
import { restore } from "../../../core/payload/restore.js";
import { toWireForm } from "../../../core/payload/wire-form.js";
import { toCarrier } from "../../../core/trace/carrier.js";
import { decodeContent, type TaskContent } from "../../../journal/format/content.js";
import { encodings, isEncoding } from "../../../journal/format/format.js";
import { JsonWriter } from "../../../journal/format/json.js";
import type { DeliveredTask } from "../protocol.js";
import type { Delivery, EngineTask, EngineTaskHead, TaskBody } from "../remote-engine.js";

const jsonWriter = new JsonWriter();

// PostgreSQL's jsonb refuses both, and with them the whole statement. JSON.stringify() escapes them.
const refusedByPostgres = /\\u(?:0000|d[89a-f])/i;

/** A task and how its content is written. */
export interface ContentHead extends EngineTaskHead {
  readonly encoding: number;
}

/**
 * @param content as the journal writes it
 * @throws an error of any kind for content that cannot be read
 */
export function toEngineTask(head: ContentHead, content: Buffer): EngineTask {
  const { id, name, priority, attempts, key, acceptedAt, encoding } = head;
  if (!isEncoding(encoding)) throw new TypeError(`the content of ${id} has an unknown encoding`);
  const decoded = decodeContent(encoding, content);
  const body = readable(decoded, content.length) ?? unreadable(decoded, encoding, content);
  return { id, name, body, priority, attempts, key, trace: decoded.carrier, acceptedAt };
}

/** undefined where JSON would lose something, or takes more room than base64. */
function readable(decoded: TaskContent, length: number): TaskBody | undefined {
  let { payload, context } = decoded;
  try {
    if (isBytes(payload)) payload = restore(payload);
    if (isBytes(context)) context = restore(context);
  } catch {
    return undefined;
  }
  const { dispatch, parent } = decoded;
  const given = [payload, dispatch, context, parent].filter((value) => value !== undefined);
  const json = jsonWriter.write(given);
  if (json === undefined || json.length > Math.ceil(length / 3) * 4) return undefined;
  if (refusedByPostgres.test(Buffer.from(json.buffer, json.byteOffset, json.length).toString("latin1")))
    return undefined;
  return {
    v: 1,
    enc: "json",
    payload,
    ...(dispatch !== undefined && { options: dispatch }),
    ...(context !== undefined && { context }),
    ...(parent !== undefined && { parent }),
  };
}

function unreadable(decoded: TaskContent, encoding: number, content: Buffer): TaskBody {
  if (encoding === encodings.bytes) return { v: 1, enc: "bytes", data: content.toString("base64") };
  if (encoding === encodings.v8) return { v: 1, enc: "v8", data: content.toString("base64") };
  const { payload, dispatch, context, parent, carrier } = decoded;
  return { v: 1, enc: "v8", data: serialize([payload, dispatch, context, parent, carrier]).toString("base64") };
}

/** @throws an error of any kind for a body that this version cannot read */
export function fromDelivery({ task, attempt, crashes }: Delivery): DeliveredTask {
  const { id, name, trace, acceptedAt } = task;
  const { payload, dispatch, context, parent, carrier } = contentOf(task.body);
  return {
    id,
    name,
    payload: toWireForm(isBytes(payload) ? payload : capture(payload)),
    dispatch,
    context: toWireForm(isBytes(context) ? context : capture(context)),
    parent,
    carrier: toCarrier(trace) ?? carrier,
    acceptedAt: typeof acceptedAt === "number" ? acceptedAt : 0,
    attempt,
    crashes,
  };
}

function contentOf(body: TaskBody): TaskContent {
  // Another version may have written it.
  if (typeof body !== "object" || body === null || body.v !== 1) throw new TypeError("a newer version wrote the task");
  if (body.enc === "json") {
    const { payload, options, context, parent } = body;
    return { payload, dispatch: options, context, parent: typeof parent === "string" ? parent : undefined };
  }
  if (body.enc !== "bytes" && body.enc !== "v8") throw new TypeError("the payload has an unknown encoding");
  return decodeContent(encodings[body.enc], Buffer.from(body.data, "base64"));
}
