// The async context of a request: which response is handled, in the events of the request and the response too.
import { AsyncLocalStorage } from "node:async_hooks";
import { EventEmitter } from "node:events";
import { shared } from "../base/shared.js";
import type { ResponseWatch } from "./watch.js";

/** The watch of the response that is handled now. The storage is our own, so no one else's context changes. */
export const current: AsyncLocalStorage<ResponseWatch> = shared("current/1", () => new AsyncLocalStorage());

const kept = Symbol("offload-after-response.context");

type Kept = EventEmitter & { [kept]?: KeptContext };

interface KeptContext {
  readonly watch: ResponseWatch | undefined;
  /** The `emit` that the object had before. */
  readonly emit: EventEmitter["emit"];
}

type Event = Parameters<EventEmitter["emit"]>;

type Emit = (this: Kept, ...event: Event) => boolean;

/**
 * Lets the events of a request, a response or a stream come in the context of its request.
 *
 * From Node 24 on they come in the context of the connection: after the first packet of a body, `data`, `end`, `finish` and
 * what follows from them would be outside of the request. (OpenTelemetry binds both objects for the same reason.)
 */
export function keepContext(emitter: EventEmitter, watch: ResponseWatch): void {
  replaceEmit(emitter, watch, emitInContext);
}

/** The same for a response, whose watch observes its events as well: two listeners for every response would cost more. */
export function keepContextAndObserve(response: EventEmitter, watch: ResponseWatch): void {
  replaceEmit(response, watch, emitAndObserve);
}

// All objects share one function. A closure in each would give each object a shape of its own once Express changes its
// prototype, which costs a request 5 us on Node 24.
function replaceEmit(emitter: Kept, watch: ResponseWatch, emit: Emit): void {
  emitter[kept] = { watch, emit: emitter.emit };
  emitter.emit = emit;
}

const emitInContext: Emit = function (...event) {
  return emitWithin(this, this[kept] ?? nothing, event);
};

const emitAndObserve: Emit = function (...event) {
  const context = this[kept] ?? nothing;
  context.watch?.observe(event[0]);
  return emitWithin(this, context, event);
};

// For an object to which the function was copied without the context.
const nothing: KeptContext = { watch: undefined, emit: EventEmitter.prototype.emit };

function emitWithin(emitter: Kept, { watch, emit }: KeptContext, event: Event): boolean {
  if (watch === undefined || current.getStore() === watch) return emit.apply(emitter, event);
  // Most events have no listener that could see the context, and to enter one costs 2 us on Node 24. An `emit` that
  // somebody else has replaced sees these events too, so it is always called in the context.
  if (emit === EventEmitter.prototype.emit && emitter.listenerCount(event[0]) === 0) return emit.apply(emitter, event);
  return current.run(watch, () => emit.apply(emitter, event));
}
