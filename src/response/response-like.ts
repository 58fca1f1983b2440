// What the dispatch calls accept as `res`: a response, or an object of a framework that carries one.
import { IncomingMessage, type ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import { describe, OffloadError } from "../base/errors.js";
import { type AnyResponse, isResponse } from "./kinds.js";
import { isWatched } from "./watch.js";

type CarriedResponse = ServerResponse | Http2ServerResponse;

/**
 * A response, or what carries one: the response of Express, Connect, NestJS and bare `node:http` or `node:http2`,
 * Fastify's reply, Koa's context, or the context of Hono on `@hono/node-server`.
 */
export type ResponseCarrier =
  | AnyResponse
  | { readonly raw: CarriedResponse }
  | { readonly res: CarriedResponse }
  // Hono's: that node-server puts the response into `env` is no part of its type, unless the application says so.
  | { readonly env: unknown; readonly req: { readonly raw: object } };

/**
 * The response in `carrier`.
 *
 * @throws OffloadError AR_INVALID_ARGUMENT that says what was given instead
 */
export function toServerResponse(carrier: unknown): AnyResponse {
  // What is known already is not asked for its methods, each of which lies some prototypes deep.
  if (isWatched(carrier) || isResponse(carrier)) return carrier;
  // Express gives a request a `res` too, but whoever passes the request means something else or is mistaken.
  if (typeof carrier === "object" && carrier !== null && !isRequest(carrier)) {
    const carried = fastifyReply(carrier) ?? honoContext(carrier) ?? koaContext(carrier);
    if (carried !== undefined) return carried;
  }
  throw new OffloadError(
    "AR_INVALID_ARGUMENT",
    "res must be a response of node:http or node:http2, or what carries one: Fastify's reply, the context of Koa, or " +
      `the context of Hono on @hono/node-server; got ${whatIsIt(carrier)}`,
  );
}

function fastifyReply(carrier: object): AnyResponse | undefined {
  return responseAt(carrier, "raw");
}

// Before Koa's, for `res` of a Hono context is a web Response that comes to be when it is read.
function honoContext(carrier: object): AnyResponse | undefined {
  const env: unknown = Reflect.get(carrier, "env");
  return typeof env === "object" && env !== null ? responseAt(env, "outgoing") : undefined;
}

function koaContext(carrier: object): AnyResponse | undefined {
  return "env" in carrier ? undefined : responseAt(carrier, "res");
}

function responseAt(carrier: object, name: string): AnyResponse | undefined {
  const value: unknown = Reflect.get(carrier, name);
  return isResponse(value) ? value : undefined;
}

function isRequest(value: object): boolean {
  return value instanceof IncomingMessage || "rawHeaders" in value;
}

/** Words for the mistakes that are made. */
function whatIsIt(value: unknown): string {
  if (typeof value !== "object" || value === null) return describe(value);
  if (
    isRequest(value) ||
    ("raw" in value && typeof value.raw === "object" && value.raw !== null && isRequest(value.raw))
  )
    return "a request: pass the response, the other argument of the handler";
  if (value instanceof Response) return "a web Response, which nobody can follow to the client: pass the context";
  if (value instanceof Request) return "a web Request, which has no response of Node's: pass the context";
  if ("env" in value && "req" in value) {
    return "a Hono context without env.outgoing: it is not served by @hono/node-server";
  }
  if (value instanceof Promise) return "a promise: await it first";
  return describe(value);
}
