// Reads off a response object whether it is over, and whether everything was handed to the network.
// The rules agree with everything observed on Node 20, 22, 24 and 26; the tests observe it again.
import type { ServerResponse } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { ResponseOutcome } from "../core/outcome.js";
import { type AnyResponse, type Http2Response, isHttp2, streamOf } from "./kinds.js";

/** Whether the response is over already. Then no further event of it may come. */
export function isOver(response: AnyResponse): boolean {
  if (!isHttp2(response)) return response.destroyed || wasFinished(response);
  const stream = streamOf(response);
  return stream.destroyed || (response.writableEnded && wasSent(stream));
}

/**
 * @param finished whether `finish` was seen. If not, an HTTP/1 response is searched for traces of it
 * @param endedAt ms since 1970
 * @param durationMs from the start of the request
 */
export function outcomeOf(
  response: AnyResponse,
  finished: boolean,
  endedAt: number,
  durationMs: number,
): ResponseOutcome {
  if (isHttp2(response)) return http2Outcome(response, endedAt, durationMs);
  return http1Outcome(response, response.req?.socket, finished, endedAt, durationMs);
}

/**
 * The same for a response of HTTP/1 whose socket is known. It reads as few properties as it can, because every request
 * pays for each: once Express has changed an object's prototype, V8 looks up every property anew (Node 20, 22).
 */
export function http1Outcome(
  response: ServerResponse,
  socket: SocketState | undefined,
  finished: boolean,
  endedAt: number,
  durationMs: number,
): ResponseOutcome {
  const complete = (finished || wasFinished(response)) && !wasCut(socket);
  return {
    kind: complete ? "completed" : "aborted",
    statusCode: response.statusCode,
    // A pipelined response that never got its turn on the connection has sent nothing, whatever was written to it.
    headersSent: complete || (response.headersSent && !(response.socket === null && response.writableLength > 0)),
    error: complete ? undefined : errorOf(response),
    startedAt: endedAt - durationMs,
    endedAt,
    durationMs,
  };
}

/** The outcome of a response of which everything was sent. */
export function completedOutcome(statusCode: number, endedAt: number, durationMs: number): ResponseOutcome {
  const startedAt = endedAt - durationMs;
  return { kind: "completed", statusCode, headersSent: true, error: undefined, startedAt, endedAt, durationMs };
}

function errorOf({ errored, req }: ServerResponse): Error | undefined {
  return errored ?? req?.socket?.errored ?? req?.errored ?? undefined;
}

/** Whether `finish` was emitted earlier, as far as the object shows. */
function wasFinished(response: ServerResponse): boolean {
  if (!response.writableEnded) return false;
  // Node takes the socket away from a response that finished. A response that was cut keeps its socket. A pipelined
  // response that waits for its turn has no socket yet, but unsent output. `writableFinished` alone proves nothing: before
  // Node 24.9 an `end()` after the client's death sets it to true.
  if (response.socket === null) return response.writableFinished;
  // light-my-request (Fastify's `inject`) leaves its fake socket in place and destroys the response in `end()`.
  return response.destroyed && !response.socket?.destroyed;
}

interface SocketState extends Partial<Pick<Socket, "destroyed" | "errored">> {
  readonly _writableState?: { readonly needDrain?: boolean };
}

/** Whether a `finish` is wrong: up to Node 24.8 it also comes when a socket dies with a part of the body unsent. */
export function wasCut(socket: SocketState | undefined): boolean {
  if (!socket) return false;
  if (socket.errored) return true;
  // On Node 20 a socket that this process destroyed (a shutdown, a timeout) has no error. A flag of its stream, which is
  // not reset at the end, shows whether more than the high-water mark was unsent; less than that leaves no trace.
  return socket.destroyed === true && socket._writableState?.needDrain === true;
}

function http2Outcome(response: Http2Response, endedAt: number, durationMs: number): ResponseOutcome {
  const stream = streamOf(response);
  const complete = wasSent(stream);
  const sent: unknown = stream.sentHeaders?.[":status"];
  return {
    kind: complete ? "completed" : "aborted",
    statusCode: typeof sent === "number" ? sent : "statusCode" in response ? response.statusCode : 200,
    headersSent: stream.headersSent,
    error: complete ? undefined : (stream.errored ?? resetError(stream)),
    startedAt: endedAt - durationMs,
    endedAt,
    durationMs,
  };
}

/**
 * Whether the whole response was handed to the HTTP/2 session. The stream's writable state shows it, because a reset
 * leaves it unfinished. There are two exceptions: a stream to which nothing was written is `aborted`, and the body of a
 * response to HEAD is finished from the start, so that its headers decide. The reset code proves nothing: a client that
 * was answered in the middle of its upload reads the answer and then resets the rest of the upload.
 */
function wasSent(stream: ServerHttp2Stream): boolean {
  return stream.headersSent && stream.writableFinished && !stream.aborted;
}

/** Node creates no error for a reset by the client, but the code is known. */
function resetError(stream: ServerHttp2Stream): Error | undefined {
  if (!stream.rstCode) return undefined;
  const error = new Error(`The HTTP/2 stream was reset with code ${stream.rstCode}`);
  return Object.assign(error, { code: "ERR_HTTP2_STREAM_ERROR" });
}
