// The responses of HTTP/1 that are open, found through the sockets of the process. Node 20 to 26 keep them in the same places;
// where one is missing, the response stays unknown.
import { executionAsyncResource } from "node:async_hooks";
import { IncomingMessage, type ServerResponse } from "node:http";
import { Socket } from "node:net";

/** The response that a connection of HTTP/1 is sending, or will send next. */
export function responseOn(socket: object): ServerResponse | undefined {
  const response: unknown = Reflect.get(socket, "_httpMessage");
  if (typeof response !== "object" || response === null) return undefined;
  return Reflect.get(response, "req") instanceof IncomingMessage ? (response as ServerResponse) : undefined;
}

/** Whether the request of this response is certain to be the last that was read from the connection. */
export function isLastOn(socket: object, response: ServerResponse): boolean {
  const parser: unknown = Reflect.get(socket, "parser");
  return typeof parser === "object" && parser !== null && Reflect.get(parser, "incoming") === response.req;
}

/** The sockets, servers and whatever else keeps the process alive. */
export function activeHandles(): unknown[] {
  const getHandles: unknown = Reflect.get(process, "_getActiveHandles");
  return typeof getHandles === "function" ? Reflect.apply(getHandles, process, []) : [];
}

/** The sockets among them. */
export function activeSockets(): Socket[] {
  return activeHandles().filter((handle): handle is Socket => handle instanceof Socket);
}

/** The responses that are open in this process. Those of TLS and HTTP/2 are not known. */
export function openResponses(): ServerResponse[] {
  return activeSockets().flatMap((socket) => responseOn(socket) ?? []);
}

/**
 * The response whose handler is being called, as far as the async resource shows it: up to the first `await` or callback of the
 * handler. From there on no Node.js says which request the code belongs to.
 */
export function responseBeingHandled(): ServerResponse | undefined {
  const socket: unknown = Reflect.get(executionAsyncResource(), "socket");
  if (typeof socket !== "object" || socket === null) return undefined;
  const response = responseOn(socket);
  // With pipelining the socket may still be sending the response of an earlier request.
  return response !== undefined && isLastOn(socket, response) ? response : undefined;
}
