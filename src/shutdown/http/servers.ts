// Which HTTP servers are in the argument of `shutdownOnSignals`: servers, or objects of frameworks that carry one.
import { Server as HttpServer } from "node:http";
import type { Http2SecureServer, Http2Server } from "node:http2";
import { Server as HttpsServer } from "node:https";
import { Server as NetServer } from "node:net";
import { Server as TlsServer } from "node:tls";
import { describe, OffloadError } from "../../base/errors.js";

/** A server of `node:http`, `node:https` or `node:http2`, or an object that carries one: a Fastify instance, a Nest app. */
export type ServerLike = NetServer | { readonly server: NetServer } | { getHttpServer(): unknown };

/** What `shutdownOnSignals` takes: no server, one, or several. */
export type ServersArgument = ServerLike | readonly ServerLike[] | undefined;

/**
 * The servers in the argument, each once.
 *
 * @throws OffloadError AR_INVALID_ARGUMENT for anything that holds no HTTP server
 */
export function findServers(where: string, argument: unknown): NetServer[] {
  if (argument === undefined) return [];
  const given = Array.isArray(argument) ? argument : [argument];
  return [...new Set(given.map((value) => serverOf(where, value)))];
}

function serverOf(where: string, value: unknown): NetServer {
  const server = serverIn(value);
  if (server !== undefined && (speaksHttp1(server) || speaksHttp2(server))) return server;
  const hint = typeof value === "function" ? " (of an Express or Koa app, pass what app.listen() returned)" : "";
  throw new OffloadError(
    "AR_INVALID_ARGUMENT",
    `${where}: expected an http, https or http2 server, or an object that carries one, got ${describe(value)}${hint}`,
  );
}

function serverIn(value: unknown): NetServer | undefined {
  if (value instanceof NetServer) return value;
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return undefined;
  // Fastify; hapi; Nest.
  const inside = ["server", "listener"].map((name): unknown => Reflect.get(value, name));
  const getHttpServer: unknown = Reflect.get(value, "getHttpServer");
  if (typeof getHttpServer === "function") inside.push(Reflect.apply(getHttpServer, value, []));
  return inside.find((candidate) => candidate instanceof NetServer);
}

/** Whether clients of this server may speak HTTP/1. A secure HTTP/2 server serves it with `allowHTTP1`. */
export function speaksHttp1(server: NetServer): boolean {
  return server instanceof HttpServer || server instanceof HttpsServer || (speaksHttp2(server) && speaksTls(server));
}

/** Whether clients of this server may speak HTTP/2. node:http2 exports no class for `instanceof`. */
export function speaksHttp2(server: NetServer): server is Http2Server | Http2SecureServer {
  return "updateSettings" in server && typeof server.updateSettings === "function";
}

/** Whether connections of this server begin with a TLS handshake. */
export function speaksTls(server: NetServer): server is TlsServer {
  return server instanceof TlsServer;
}
