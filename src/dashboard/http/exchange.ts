// One handler for every framework: finds Node's request and response in what the framework gives its handlers.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { toServerResponse } from "../../response/response-like.js";

export type NodeRequest = IncomingMessage | Http2ServerRequest;
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** A handler for Express, NestJS, node:http and node:http2, for Fastify, for Koa, and for Hono on node-server. */
export interface DashboardHandler {
  (request: NodeRequest, response: NodeResponse, next?: unknown): Promise<void>;
  (request: { readonly raw: NodeRequest }, reply: { readonly raw: NodeResponse; hijack(): unknown }): Promise<void>;
  (
    context: { readonly req: NodeRequest; readonly res: NodeResponse; respond?: boolean },
    next?: unknown,
  ): Promise<void>;
  (context: { readonly env: unknown; readonly req: { readonly raw: object } }, next?: unknown): Promise<Response>;
}

export interface Exchange {
  /** What the framework gave first: `access` is called with it. */
  readonly subject: object;
  readonly req: NodeRequest;
  readonly res: NodeResponse;
  /** As the client sent it, whatever the framework has cut off for a mounted handler. */
  readonly url: string;
  /** What the handler returns to the framework. */
  readonly returned: Response | undefined;
}

/**
 * Takes over the answer from the framework.
 *
 * @throws OffloadError AR_INVALID_ARGUMENT for what is no request of a framework it knows
 */
export function exchangeOf(first: object, second: unknown): Exchange {
  // Of Koa and Hono the second argument is `next`.
  const carrier = typeof second === "object" && second !== null ? second : first;
  const res = toServerResponse(carrier) as NodeResponse;
  const req = requestOf(first);
  const hono = isObject(field(first, "env"));
  if (typeof field(carrier, "hijack") === "function") (carrier as { hijack(): unknown }).hijack();
  else if (carrier === first && !hono) Reflect.set(first, "respond", false);
  const url = field(first, "originalUrl") ?? field(req, "originalUrl") ?? req.url;
  return {
    subject: first,
    req,
    res,
    url: typeof url === "string" ? url : "/",
    returned: hono ? alreadySent() : undefined,
  };
}

/**
 * What tells node-server that the response has been written. It replaces the global Response by one that is a mere record until a
 * part of it is read, and looks for this header only in a real one.
 */
function alreadySent(): Response {
  const response = new Response(null, { headers: { "x-hono-already-sent": "true" } });
  void response.body;
  return response;
}

function requestOf(first: object): NodeRequest {
  const env = field(first, "env");
  const incoming = isObject(env) ? field(env, "incoming") : undefined;
  for (const candidate of [incoming, field(first, "raw"), field(first, "req")]) {
    if (isObject(candidate) && "headers" in candidate && "method" in candidate) return candidate as NodeRequest;
  }
  return first as NodeRequest;
}

function field(object: object, name: string): unknown {
  return Reflect.get(object, name);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
