// Whether a response can tell of its end at all. Mocks of tests often cannot, and a task would wait for them for ever.
import type { ServerResponse } from "node:http";
import { type AnyResponse, isHttp2 } from "./kinds.js";

/**
 * Whether nothing can come from a response as it is now: it keeps no listeners, or it is a response of HTTP/1 that has no
 * connection, and whose request has none. It may still be given one, by `assignSocket()`.
 */
export function isSilent(response: AnyResponse): boolean {
  if (isHttp2(response)) return false;
  return !keepsListeners(response) || hasNoConnection(response);
}

/** Asked after the listeners were added. */
function keepsListeners(response: ServerResponse): boolean {
  // What a test gives may lack any method.
  const { listenerCount } = response as Partial<ServerResponse>;
  return typeof listenerCount === "function" && Number(listenerCount.call(response, "finish")) > 0;
}

function hasNoConnection(response: ServerResponse): boolean {
  // Another object may have any idea of a connection.
  if (typeof (response as Partial<ServerResponse>).assignSocket !== "function" || response.socket) return false;
  const socket = response.req?.socket;
  // A pipelined response has no socket before its turn, but its request has one.
  return !socket || (socket.pending === true && !socket.connecting && !socket.destroyed);
}
