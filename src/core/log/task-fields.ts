// The fields by which every line of the log names its task.
import { restoreAnew } from "../payload/restore.js";
import type { Task } from "../task.js";
import type { Carrier } from "../trace/carrier.js";

/** Version, trace id, span id, flags: https://www.w3.org/TR/trace-context/#traceparent-header */
const traceparent = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-[\da-f]{2}(?:-|$)/;

/** @param thread on which the line was written, or the attempt ran; 0: the main thread, -1: none */
export function fieldsOf(task: Task, attempt: number = task.attempt, thread: number = task.threadId): TaskFields {
  const { id, definition, carrier, context } = task;
  return {
    task: definition.name,
    kind: definition.kind,
    id,
    attempt,
    ...(thread > 0 && { thread }),
    ...(context !== undefined && { context: restoreAnew(context) }),
    ...traceOf(carrier),
  };
}

export interface TaskFields {
  readonly task: string;
  readonly kind: string;
  readonly id: string;
  readonly attempt: number;
  readonly thread?: number;
  readonly context?: unknown;
  readonly trace_id?: string;
  readonly span_id?: string;
}

/** The ids of a W3C `traceparent`, under the names that collectors of logs know. */
function traceOf(carrier: Carrier | undefined): { trace_id?: string; span_id?: string } {
  if (carrier?.traceparent === undefined) return {};
  const [, traceId, spanId] = traceparent.exec(carrier.traceparent) ?? [];
  return traceId === undefined || spanId === undefined ? {} : { trace_id: traceId, span_id: spanId };
}
