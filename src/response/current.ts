// Which response is being handled now. Node announces each request on a diagnostics channel, and its response is put into
// an AsyncLocalStorage then, so no framework and no middleware has a part in it.
import { channel, subscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import { OffloadError } from "../base/errors.js";
import { openResponses, responseBeingHandled } from "../base/open-responses.js";
import { shared } from "../base/shared.js";
import { current, keepContext } from "./context.js";
import type { AnyResponse } from "./kinds.js";
import { knownWatchOf, type ResponseWatch, watchFromStart, watchOf } from "./watch.js";

/** What Node announces. */
interface Announced {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

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
 * HTTP/1 is announced by the diagnostics channels `http.server.request.start` and `http.server.response.finish`, HTTP/2 by
 * `http2.server.stream.created`, which Node 20 does not have.
 */
export function trackCurrentResponse(): void {
  if (tracking.active) return;
  tracking.active = true;
  const handled = responseBeingHandled();
  if (handled !== undefined) {
    const watch = watchOf(handled);
    keepContexts(handled, watch);
    current.enterWith(watch);
  }
  // Weakly, because this outlives them.
  tracking.earlier = openResponses().flatMap((response) => (response === handled ? [] : new WeakRef(response)));
  subscribe("http.server.request.start", (message) => {
    const { request, response } = message as Announced;
    const watch = watchFromStart(response, request.socket, keepContexts);
    if (hasBody(request)) keepContext(request, watch);
    current.enterWith(watch);
  });
  subscribe("http.server.response.finish", (message) => {
    const watch = knownWatchOf((message as Announced).response);
    if (watch === undefined) return;
    // `finish` comes in the context of the code that called `end()`, which may be another request's. It is a callback of its own, and
    // Node announces it first in it: what is entered here holds for the listeners, for `close`, and for nothing else. What is emitted
    // within a call, such as `prefinish` in `end()`, is the caller's.
    if (current.getStore() !== watch) current.enterWith(watch);
    watch.end(true);
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

function keepContexts(response: ServerResponse, watch: ResponseWatch): void {
  keepContext(response.req, watch);
  keepContext(response, watch);
}

/**
 * Whether a body follows the head of a request. Its events come from the connection or from who reads it; those of a request without one
 * come from its end, its response or its connection.
 */
function hasBody({ rawHeaders }: IncomingMessage): boolean {
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    if (isNamed(name, "content-length")) return rawHeaders[at + 1] !== "0";
    if (isNamed(name, "transfer-encoding")) return true;
  }
  return false;
}

/** Case does not count. The length and the last letter come first, because this is asked for every header of every request. */
function isNamed(name: string, lowerCased: string): boolean {
  const last = lowerCased.length - 1;
  if (name.length !== lowerCased.length || (name.charCodeAt(last) | 0x20) !== lowerCased.charCodeAt(last)) return false;
  return name === lowerCased || name.toLowerCase() === lowerCased;
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
