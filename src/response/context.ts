// The async context of a request: which response is handled, in the events of the request and the response too.
import { AsyncLocalStorage } from "node:async_hooks";
import { EventEmitter } from "node:events";
import { shared } from "../base/shared.js";
import { knownWatchOf, type ResponseWatch } from "./watch.js";

/** The watch of the response that is handled now. The storage is our own, so no one else's context changes. */
export const current: AsyncLocalStorage<ResponseWatch> = shared("current/1", () => new AsyncLocalStorage());

const kept: unique symbol = Symbol("offload-after-response.context");
/** The `emit` that an object had before, where somebody had replaced Node's. */
const replaced: unique symbol = Symbol("offload-after-response.emit");

type Kept = EventEmitter & { [kept]?: ResponseWatch; [replaced]?: EventEmitter["emit"] };

type Event = Parameters<EventEmitter["emit"]>;

type Emit = (this: Kept, ...event: Event) => boolean;

const nodesEmit = EventEmitter.prototype.emit;
/** Whether it is: it may have been replaced for all emitters before the library was loaded. */
const isNodes = Function.prototype.toString.call(nodesEmit).startsWith("function emit(type");

/**
 * Lets the events of a request, a response or a stream come in the context of its request.
 *
 * From Node 24 on they come in the context of the connection: after the first packet of a body, `data`, `end`, `finish` and
 * what follows from them would be outside of the request. (OpenTelemetry binds both objects for the same reason.)
 */
export function keepContext(emitter: Kept, watch: ResponseWatch): void {
  emitter[kept] = watch;
  replaceEmit(emitter, emitInContext, emitTheirsInContext);
}

/**
 * The same for a response whose watch is in it, and which observes its events as well: two listeners for every response would cost
 * more.
 */
export function keepContextAndObserve(response: EventEmitter): void {
  replaceEmit(response, emitAndObserve, emitTheirsAndObserve);
}

// All objects share a few functions. A closure in each would give each object a shape of its own once Express changes its
// prototype, which costs a request 5 us on Node 24. Nor is there an object for each that holds the watch and the `emit` before.
function replaceEmit(emitter: Kept, ours: Emit, aroundTheirs: Emit): void {
  const { emit } = emitter;
  if (emit !== nodesEmit) emitter[replaced] = emit;
  emitter.emit = emit === nodesEmit ? ours : aroundTheirs;
}

// The list of arguments is handed on as it is and caught in no closure: then V8 makes no array of it, for the ten events of each request.
// The watch is undefined in an object to which the function was copied alone.
const emitInContext: Emit = function (...event) {
  const watch = this[kept];
  if (isUnheard(this, event[0])) return false;
  if (needsContext(this, watch, event[0])) return current.run(watch, emitOf, this, nodesEmit, ...event);
  return nodesEmit.apply(this, event);
};

const emitAndObserve: Emit = function (...event) {
  const watch = knownWatchOf(this);
  watch?.observe(event[0]);
  if (isUnheard(this, event[0])) return false;
  if (needsContext(this, watch, event[0])) return current.run(watch, emitOf, this, nodesEmit, ...event);
  return nodesEmit.apply(this, event);
};

// Another `emit` than Node's is told of every event, and may do something with one that has no listener.
const emitTheirsInContext: Emit = function (...event) {
  return emitTheirs(this, this[kept], event);
};

const emitTheirsAndObserve: Emit = function (...event) {
  const watch = knownWatchOf(this);
  watch?.observe(event[0]);
  return emitTheirs(this, watch, event);
};

function emitTheirs(emitter: Kept, watch: ResponseWatch | undefined, event: Event): boolean {
  const theirs = emitter[replaced] ?? nodesEmit;
  if (needsContext(emitter, watch, event[0])) return current.run(watch, emitOf, emitter, theirs, ...event);
  return theirs.apply(emitter, event);
}

function emitOf(emitter: EventEmitter, emit: EventEmitter["emit"], ...event: Event): boolean {
  return emit.apply(emitter, event);
}

/** Whether nobody listens to an event, as to most. Node's own `emit` does nothing then. */
function isUnheard(emitter: Kept, name: Event[0]): boolean {
  return isNodes && name !== "error" && emitter.listenerCount(name) === 0;
}

/** Whether an event comes in another context than its own, and somebody is there to whom that matters. */
function needsContext(emitter: Kept, watch: ResponseWatch | undefined, name: Event[0]): watch is ResponseWatch {
  return watch !== undefined && current.getStore() !== watch && !isForNodeAlone(emitter, name);
}

/**
 * Whether the only listener is Node's, which needs no context. From Node 24 on every request that nobody reads has one at its
 * end, outside of its context, and to enter that costs more than all the rest.
 */
function isForNodeAlone(emitter: Kept, name: Event[0]): boolean {
  if (name !== "end" || emitter.listenerCount(name) !== 1) return false;
  const [listener] = emitter.rawListeners(name);
  if (listener === undefined) return false;
  if (listener !== clearIncoming && listener.name === "clearIncoming") clearIncoming = listener;
  return listener === clearIncoming;
}

/** Node's, once it has been seen: to read a name leaves the optimised code. */
let clearIncoming: unknown;
