// The async context of a request: which response is handled, in the events of the request and the response too.
import { AsyncLocalStorage } from "node:async_hooks";
import { EventEmitter } from "node:events";
import { shared } from "../base/shared.js";
import type { ResponseWatch } from "./watch.js";

/** The watch of the response that is handled now. The storage is our own, so no one else's context changes. */
export const current: AsyncLocalStorage<ResponseWatch> = shared("current/1", () => new AsyncLocalStorage());

const kept: unique symbol = Symbol("offload-after-response.context");
/** The `emit` that an object had before, where somebody had replaced Node's. */
const replaced: unique symbol = Symbol("offload-after-response.emit");

type Kept = EventEmitter & { [kept]?: ResponseWatch; [replaced]?: EventEmitter["emit"] };

type Event = Parameters<EventEmitter["emit"]>;

type Emit = (this: Kept, ...event: Event) => boolean;

const nodesEmit = EventEmitter.prototype.emit;
// One that was replaced for all emitters before the library was loaded may do something with an event that has no listener.
const isNodes = Function.prototype.toString.call(nodesEmit).startsWith("function emit(type");

/**
 * Lets the events of a request, a response or a stream come in the context of its request, whatever emits them. (OpenTelemetry binds
 * every request and response for the same reason.) A second call does nothing.
 */
export function keepContext(emitter: Kept, watch: ResponseWatch): void {
  if (emitter[kept] !== undefined) return;
  const { emit } = emitter;
  emitter[kept] = watch;
  if (emit !== nodesEmit) emitter[replaced] = emit;
  // All objects share two functions. A closure in each would give each object a shape of its own once Express changes its
  // prototype, which costs a request 5 us on Node 24. Nor is there an object for each that holds the watch and the `emit` before.
  emitter.emit = emit === nodesEmit ? emitInContext : emitTheirsInContext;
}

// The watch is undefined in an object to which the function was copied alone.
const emitInContext: Emit = function (...event) {
  return emitWithin(this, this[kept], nodesEmit, event);
};

const emitTheirsInContext: Emit = function (...event) {
  return emitWithin(this, this[kept], this[replaced] ?? nodesEmit, event);
};

function emitWithin(
  emitter: Kept,
  watch: ResponseWatch | undefined,
  emit: EventEmitter["emit"],
  event: Event,
): boolean {
  // Most events have no listener, and Node's own `emit` does nothing then. Any other sees these events too.
  const [name] = event;
  if (isNodes && emit === nodesEmit && name !== "error" && emitter.listenerCount(name) === 0) return false;
  if (watch === undefined || current.getStore() === watch || isForNodeAlone(emitter, name))
    return emit.apply(emitter, event);
  return enter(watch, emitter, emit, event);
}

// Apart, because a closure in `emitWithin` would cost every event an object.
function enter(watch: ResponseWatch, emitter: Kept, emit: EventEmitter["emit"], event: Event): boolean {
  return current.run(watch, () => emit.apply(emitter, event));
}

/**
 * Whether the only listener is Node's, which needs no context. From Node 24 on every request that nobody reads has one at its
 * end, outside of its context, and to enter that costs more than all the rest.
 */
function isForNodeAlone(emitter: Kept, name: Event[0]): boolean {
  return name === "end" && emitter.listenerCount(name) === 1 && emitter.rawListeners(name)[0]?.name === "clearIncoming";
}
