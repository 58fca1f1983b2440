// Which response is being handled now. Node announces each request on a diagnostics channel, and its response is put into
// an AsyncLocalStorage then, so no framework and no middleware has a part in it.
import { channel, subscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import { OffloadError } from "../base/errors.js";
import { openResponses, responseBeingHandled } from "../base/open-responses.js";
import { shared } from "../base/shared.js";
import { current, keepContext, keepContextAndObserve } from "./context.js";
import type { AnyResponse } from "./kinds.js";
import { type ResponseWatch, watchFromStart, watchOf } from "./watch.js";

interface Tracking {
  active: boolean;
  /** Responses that were open when the tracking began. */
  earlier: readonly WeakRef<ServerResponse>[];
}

// One copy follows the requests for all.
const tracking = shared("tracking/1", (): Tracking => ({ active: false, earlier: [] }));

/**
 * Begins to follow requests; the first call counts. Of requests that have begun before, the one is known within whose handler
 * this is called, up to the first `await` in it.
 *
 * HTTP/1 is announced by the diagnostics channel `http.server.request.start`, HTTP/2 by `http2.server.stream.created`,
 * which Node 20 does not have.
 */
export function trackCurrentResponse(): void {
  if (tracking.active) return;
  tracking.active = true;
  const handled = responseBeingHandled();
  if (handled !== undefined) {
    const watch = watchOf(handled);
    keepContext(handled.req, watch);
    keepContext(handled, watch);
    current.enterWith(watch);
  }
  // Weakly, because this outlives them.
  tracking.earlier = openResponses().flatMap((response) => (response === handled ? [] : new WeakRef(response)));
  subscribe("http.server.request.start", (message) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
    const watch = watchFromStart(response, request.socket);
    keepContext(request, watch);
    keepContextAndObserve(response);
    current.enterWith(watch);
  });
  subscribe("http2.server.stream.created", (message) => {
    const { stream } = message as { stream: ServerHttp2Stream };
    // A stream with an even id is pushed by this server, within the request that it belongs to.
    if (stream.id !== undefined && stream.id % 2 === 0) return;
    const watch = watchOf(stream);
    keepContext(stream, watch);
    current.enterWith(watch);
  });
  // Node does not announce a request of Fastify's inject(), but Fastify announces each run of a handler itself.
  channel("tracing:fastify.request.handler:start").bindStore(current, (message) => {
    return watchOf((message as { reply: { raw: ServerResponse } }).reply.raw);
  });
}

/**
 * The response of the request that the calling code handles; undefined outside a request. Once the response is over,
 * its watch: `whenOver` takes either.
 */
export function currentResponse(): AnyResponse | ResponseWatch | undefined {
  const watch = current.getStore();
  return watch?.response ?? watch;
}

/** The error for a call that was given no response and finds none. */
export function noResponseError(call: string): OffloadError {
  // One that has called `end()` may be the one: it is closed only when all of it is sent.
  const open = tracking.earlier.filter((reference) => reference.deref()?.closed === false).length;
  const because = open === 0 ? "" : `${startedLate(open)} `;
  return new OffloadError(
    "AR_NO_RESPONSE",
    `${call} was given no response, and is not called while a request is handled. ${because}Pass the response as the first ` +
      "argument (res, Fastify's reply, the context of Koa or Hono), or use offload() or run() for a task that waits " +
      "for no response. A listener or callback of something made outside of the request, such as a pooled " +
      "connection, does not know the request; nor is an HTTP/2 request known on Node 20.",
  );
}

function startedLate(open: number): string {
  const [requests, they] = open === 1 ? ["one open request", "it is"] : [`${open} open requests`, "they are"];
  return (
    `If it is: createOffloader() was first called after ${requests} had begun, so ${they} not known. Frameworks that load ` +
    "a route at its first request cause this. Create the offloader when the server starts: in register() of " +
    "instrumentation.ts (Next.js), in init of hooks.server.ts (SvelteKit), in a server plugin (Nitro, Nuxt), or by an import " +
    "in the file that starts the server."
  );
}
