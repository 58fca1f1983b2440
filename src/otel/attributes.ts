// The attributes of the spans: OpenTelemetry's `messaging.*` where it has one, and ours.
// https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
import type { Attributes } from "@opentelemetry/api";
import type { TaskKind } from "../core/definition.js";

interface Described {
  readonly offloader: string;
  readonly task: string;
  readonly kind: TaskKind;
}

const system = "after_response";

export function sendAttributes({ offloader, task, kind }: Described): Attributes {
  return {
    ...common({ offloader, task, kind }),
    "messaging.operation.name": "send",
    "messaging.operation.type": "send",
  };
}

export interface Attempt extends Described {
  readonly id: string;
  readonly attempt: number;
  readonly threadId: number | undefined;
  readonly priority: string | undefined;
  readonly waitMs: number | undefined;
}

export function processAttributes(attempt: Attempt): Attributes {
  const { id, threadId, priority, waitMs } = attempt;
  return {
    ...common(attempt),
    "messaging.operation.name": "process",
    "messaging.operation.type": "process",
    "messaging.message.id": id,
    "after_response.attempt": attempt.attempt,
    ...(priority !== undefined && { "after_response.priority": priority }),
    ...(threadId !== undefined && { "thread.id": threadId }),
    ...(waitMs !== undefined && { "after_response.wait.duration": waitMs / 1_000 }),
  };
}

function common({ offloader, task, kind }: Described): Attributes {
  return {
    "messaging.system": system,
    "messaging.destination.name": task,
    "after_response.offloader": offloader,
    "after_response.kind": kind,
  };
}

/** `error.type`: the code of an error, or its name. */
export function errorType(error: unknown): string {
  if (typeof error !== "object" || error === null) return typeof error;
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  return typeof code === "string" ? code : typeof name === "string" ? name : "Error";
}
