// Which response is being handled now: found through AsyncLocalStorage, which Node's own announcement of each request
// feeds, so that no framework and no middleware has a part in it.
import { AsyncLocalStorage } from "node:async_hooks";
import { channel, subscribe } from "node:diagnostics_channel";
import { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import { OffloadError } from "../base/errors.js";
import type { AnyResponse } from "./kinds.js";
import { type ResponseWatch, watchFromStart, watchOf } from "./watch.js";

const current = new AsyncLocalStorage<ResponseWatch>();
let tracking = false;

/**
 * Begins to follow requests; the first call counts. Requests that have begun before are not known.
 *
 * HTTP/1 is announced by the diagnostics channel `http.server.request.start`, HTTP/2 by `http2.server.stream.created`,
 * which Node 20 does not have.
 */
export function trackCurrentResponse(): void {
  if (tracking) return;
  tracking = true;
  subscribe("http.server.request.start", (message) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
    const watch = watchFromStart(response, request.socket);
    keepContext(request, watch, emitInContext);
    keepContext(response, watch, emitAndTell);
    current.enterWith(watch);
  });
  subscribe("http2.server.stream.created", (message) => {
    const { stream } = message as { stream: ServerHttp2Stream };
    // Even ids are pushed by this server, from within the request that they belong to.
    if (stream.id === undefined || stream.id % 2 === 1) enter(stream);
  });
  // A request of Fastify's inject() is none of Node's, but Fastify announces each run of a handler itself.
  channel("tracing:fastify.request.handler:start").bindStore(current, (message) => {
    return watchOf((message as { reply: { raw: ServerResponse } }).reply.raw);
  });
}

/**
 * The response of the request that the calling code handles; undefined outside a request. Once the response is over,
 * what is left of it: `whenOver` takes either.
 */
export function currentResponse(): AnyResponse | ResponseWatch | undefined {
  const watch = current.getStore();
  return watch?.response ?? watch;
}

/** The error for a call that was given no response and finds none. */
export function noResponseError(call: string): OffloadError {
  return new OffloadError(
    "AR_NO_RESPONSE",
    `${call} was given no response, and is not called while a request is handled. Pass the response as the first ` +
      "argument (res, Fastify's reply, the context of Koa or Hono), or use offload() or run() for a task that waits " +
      "for no response. A listener or callback of something made outside of the request, such as a pooled " +
      "connection, does not know the request; nor is an HTTP/2 request known on Node 20.",
  );
}

function enter(stream: ServerHttp2Stream): void {
  const watch = watchOf(stream);
  keepContext(stream, watch, emitInContext);
  current.enterWith(watch);
}

const kept = Symbol("offload-after-response.context");

type Kept = EventEmitter & { [kept]?: Keeping };

interface Keeping {
  readonly watch: ResponseWatch | undefined;
  readonly emit: EventEmitter["emit"];
}

type Event = Parameters<EventEmitter["emit"]>;

type Emit = (this: Kept, ...event: Event) => boolean;

// From Node 24 on, the events of a request and a response come in the context of their connection, not in that of the
// request: after the first packet of a body, `data`, `end`, `finish` and what follows from them would be outside.
// (OpenTelemetry binds both objects for the same reason.) The storage is our own, so no one else's context changes.
function keepContext(emitter: Kept, watch: ResponseWatch, emit: Emit): void {
  emitter[kept] = { watch, emit: emitter.emit };
  // One function for all, for a closure in each gives each a shape of its own once Express changes their prototypes, which
  // costs a request 5 us on Node 24.
  emitter.emit = emit;
}

const emitInContext: Emit = function (...event) {
  return emitWithin(this, this[kept] ?? nothing, event);
};

// Two listeners for every response, most of which leave nothing that waits for their end, would cost more than the rest.
const emitAndTell: Emit = function (...event) {
  const keeping = this[kept] ?? nothing;
  keeping.watch?.saw(event[0]);
  return emitWithin(this, keeping, event);
};

// For an object that has been given the function without what belongs to it.
const nothing: Keeping = { watch: undefined, emit: EventEmitter.prototype.emit };

function emitWithin(emitter: Kept, { watch, emit }: Keeping, event: Event): boolean {
  if (watch === undefined || current.getStore() === watch) return emit.apply(emitter, event);
  // Most events have nobody who could see the context, and to enter one costs 2 us on Node 24. An `emit` of somebody
  // else's sees those without a listener too.
  if (emit === EventEmitter.prototype.emit && emitter.listenerCount(event[0]) === 0) return emit.apply(emitter, event);
  return current.run(watch, () => emit.apply(emitter, event));
}
