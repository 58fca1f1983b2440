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
    "messaging.system": system,
    "messaging.operation.name": "send",
    "messaging.operation.type": "send",
    "messaging.destination.name": task,
    "after_response.offloader": offloader,
    "after_response.kind": kind,
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
  const { threadId, priority, waitMs } = attempt;
  // Field by field: on Node 20 to spread each of these costs more than the span itself.
  const attributes: Attributes = {
    "messaging.system": system,
    "messaging.operation.name": "process",
    "messaging.operation.type": "process",
    "messaging.destination.name": attempt.task,
    "messaging.message.id": attempt.id,
    "after_response.offloader": attempt.offloader,
    "after_response.kind": attempt.kind,
    "after_response.attempt": attempt.attempt,
  };
  if (priority !== undefined) attributes["after_response.priority"] = priority;
  if (threadId !== undefined) attributes["thread.id"] = threadId;
  if (waitMs !== undefined) attributes["after_response.wait.duration"] = waitMs / 1_000;
  return attributes;
}

/** `error.type`: the code of an error, or its name. */
export function errorType(error: unknown): string {
  if (typeof error !== "object" || error === null) return typeof error;
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  return typeof code === "string" ? code : typeof name === "string" ? name : "Error";
}
