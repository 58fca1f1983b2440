// What the dispatch calls accept as `res`: a response of Node's, or an object of a framework that holds one.
import { IncomingMessage, type ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import { describe, OffloadError } from "../base/errors.js";
import { type AnyResponse, isResponse } from "./kinds.js";
import { isWatched } from "./watch.js";

type NodeResponse = ServerResponse | Http2ServerResponse;

/**
 * A response, or what carries one: the response of Express, Connect, NestJS and bare `node:http` or `node:http2`,
 * Fastify's reply, Koa's context, the context of Hono on `@hono/node-server`, the event of h3 (Nitro, Nuxt), or the request of
 * srvx.
 */
export type ResponseLike =
  | AnyResponse
  | { readonly raw: NodeResponse }
  | { readonly res: NodeResponse }
  // Hono's. node-server puts the response into `env`, but Hono's type does not say so unless the application declares it.
  | { readonly env: unknown; readonly req: { readonly raw: object } }
  // The event of h3 1, then the event of h3 2 and the request of srvx, which runs on other runtimes too.
  | { readonly node: { readonly res: NodeResponse } }
  | { readonly runtime?: { readonly node?: { readonly res?: NodeResponse } } };

/**
 * The response in a value.
 *
 * @throws OffloadError AR_INVALID_ARGUMENT that says what was given instead
 */
export function toServerResponse(value: unknown): AnyResponse {
  // The watch is looked for first: the methods of a response lie several prototypes deep.
  if (isWatched(value) || isResponse(value)) return value;
  // A request of Express has a `res` as well. It is refused, because whoever passes the request is mistaken.
  if (typeof value === "object" && value !== null && !isRequest(value)) {
    const response = ofFastifyReply(value) ?? ofHonoContext(value) ?? ofH3Event(value) ?? ofKoaContext(value);
    if (response !== undefined) return response;
  }
  throw new OffloadError(
    "AR_INVALID_ARGUMENT",
    "res must be a response of node:http or node:http2, or what carries one: Fastify's reply, the context of Koa, " +
      `the context of Hono on @hono/node-server, or the event of h3; got ${describeMistake(value)}`,
  );
}

function ofFastifyReply(reply: object): AnyResponse | undefined {
  return responseAt(reply, "raw");
}

// Asked before Koa's, because reading `res` of a Hono context creates a web Response.
function ofHonoContext(context: object): AnyResponse | undefined {
  const env: unknown = Reflect.get(context, "env");
  return typeof env === "object" && env !== null ? responseAt(env, "outgoing") : undefined;
}

/** The event of h3, or the request of srvx, on which h3 2 is built. */
function ofH3Event(event: object): AnyResponse | undefined {
  const runtime: unknown = Reflect.get(event, "runtime");
  const node: unknown = Reflect.get(typeof runtime === "object" && runtime !== null ? runtime : event, "node");
  return typeof node === "object" && node !== null ? responseAt(node, "res") : undefined;
}

function ofKoaContext(context: object): AnyResponse | undefined {
  return "env" in context ? undefined : responseAt(context, "res");
}

function responseAt(object: object, name: string): AnyResponse | undefined {
  const value: unknown = Reflect.get(object, name);
  return isResponse(value) ? value : undefined;
}

function isRequest(value: unknown): boolean {
  return value instanceof IncomingMessage || (typeof value === "object" && value !== null && "rawHeaders" in value);
}

/** Words for what was given, with advice for the usual mistakes. */
function describeMistake(value: unknown): string {
  if (typeof value !== "object" || value === null) return describe(value);
  if (isRequest(value) || ("raw" in value && isRequest(value.raw))) {
    return "a request: pass the response, the other argument of the handler";
  }
  if (value instanceof Response) return "a web Response, which nobody can follow to the client: pass the context";
  if (value instanceof Request) return "a web Request, which has no response of Node's: pass the context";
  if ("env" in value && "req" in value) {
    return "a Hono context without env.outgoing: it is not served by @hono/node-server";
  }
  if (value instanceof Promise) return "a promise: await it first";
  return describe(value);
}
