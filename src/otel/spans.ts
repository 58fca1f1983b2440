// How a span of an attempt hangs together with that of its dispatch, and how it ends.
import {
  type Context,
  type Link,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { type Attempt, errorType, processAttributes } from "./attributes.js";

/**
 * How the span `process` belongs to its `send`. `child` (default): the first attempt in the process of the dispatch is its child;
 * retries, and what comes back from a journal, are roots with a link, because a trace that goes on for days is of no use. `link`:
 * all are roots with a link. `none`: neither.
 */
export type Relation = "child" | "link" | "none";

export interface Started extends Attempt {
  /** It comes back from a journal. */
  readonly replayed: boolean;
  readonly carrier: Readonly<Record<string, string>> | undefined;
}

/** Starts the span of an attempt; returns it with the context in which the code runs. */
export function startProcess(
  tracer: Tracer,
  attempt: Started,
  relation: Relation,
  startTime?: number,
): { readonly span: Span; readonly context: Context } {
  const sent = attempt.carrier === undefined ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, attempt.carrier);
  const isChild = relation === "child" && attempt.attempt === 1 && !attempt.replayed;
  const parent = isChild ? sent : withoutSpan(sent);
  const creation = trace.getSpanContext(sent);
  const links: Link[] = isChild || relation === "none" || creation === undefined ? [] : [linkTo(creation)];
  const span = tracer.startSpan(
    `process ${attempt.task}`,
    {
      kind: SpanKind.CONSUMER,
      attributes: processAttributes(attempt),
      links,
      ...(startTime !== undefined && { startTime }),
    },
    parent,
  );
  return { span, context: trace.setSpan(parent, span) };
}

/** Baggage stays, the trace begins anew. */
function withoutSpan(from: Context): Context {
  return trace.deleteSpan(from);
}

function linkTo(spanContext: SpanContext): Link {
  return { context: spanContext };
}

export type Outcome = "succeeded" | "failed" | "retrying" | "cancelled" | "abandoned";

/** Ends the span of an attempt. */
export function endProcess(span: Span, outcome: Outcome, error?: unknown, endTime?: number): void {
  span.setAttribute("after_response.outcome", outcome);
  if (outcome !== "succeeded") fail(span, error ?? outcome);
  span.end(endTime);
}

export function fail(span: Span, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  span.setAttribute("error.type", errorType(error));
  span.setStatus({ code: SpanStatusCode.ERROR, message });
  if (error instanceof Error) span.recordException(error);
}

/** Whether a value is to be waited for. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
