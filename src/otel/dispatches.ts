// The span `send {task}` of each dispatch: its context travels with the task in the carrier.
import { context, propagation, type Span, SpanKind, type Tracer, trace } from "@opentelemetry/api";
import { type DispatchMessage, dispatchChannel } from "../core/trace/channels.js";
import { sendAttributes } from "./attributes.js";
import { fail } from "./spans.js";

/** Where the span of a dispatch is between its start and its end. */
const spanOf = Symbol("span");

type Traced = DispatchMessage & { [spanOf]?: Span };

/**
 * Subscribes until the function returned is called.
 *
 * A dispatch that is not sampled costs one span that records nothing. Nothing travels with its task, unless there is baggage, and
 * its attempts have no spans.
 */
export function traceDispatches(tracer: () => Tracer): () => void {
  const end = (message: Traced): void => {
    const span = message[spanOf];
    // Of a call in a thread nothing is known at its end: the answer of the main thread comes later.
    if (span === undefined || (message.id === undefined && message.error === undefined)) return;
    delete message[spanOf];
    if (message.id !== undefined) span.setAttribute("messaging.message.id", message.id);
    if (message.error !== undefined) fail(span, message.error);
    span.end();
  };
  const subscribers = {
    start(message: Traced) {
      const active = context.active();
      const span = tracer().startSpan(`send ${message.task}`, { kind: SpanKind.PRODUCER }, active);
      const isRecording = span.isRecording();
      if (isRecording) {
        span.setAttributes(sendAttributes(message));
        message[spanOf] = span;
      }
      if (isRecording || propagation.getBaggage(active) !== undefined) {
        propagation.inject(trace.setSpan(active, span), message.carrier);
      }
    },
    end,
    asyncStart() {},
    asyncEnd: end,
    error() {},
  };
  dispatchChannel.subscribe(subscribers as never);
  return () => void dispatchChannel.unsubscribe(subscribers as never);
}
