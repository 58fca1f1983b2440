// How a response stands, read off the object itself: is it over, and was everything handed to the network?
// The rules are those that agree with all that was observed on Node 20, 22, 24 and 26; the tests observe it again.
import type { ServerResponse } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { ResponseOutcome, ResponseTimes } from "../core/outcome.js";
import { type AnyResponse, type Http2Response, isHttp2, streamOf } from "./kinds.js";

/** Whether the response is over already, so that no event of it need come. */
export function isOver(response: AnyResponse): boolean {
  if (!isHttp2(response)) return response.destroyed || wasFinished(response);
  const stream = streamOf(response);
  return stream.destroyed || (response.writableEnded && wasSent(stream));
}

/**
 * @param finished whether `finish` was seen; where it was not, HTTP/1's response is asked for traces of it
 * @param times from the start of the request to now
 */
export function outcomeOf(response: AnyResponse, finished: boolean, times: ResponseTimes): ResponseOutcome {
  if (isHttp2(response)) return http2Outcome(response, times);
  return http1Outcome(response, response.req?.socket, finished, times);
}

/**
 * The same for a response of HTTP/1 whose socket is known. It reads as little of the response as it can, for every request
 * pays for it: once Express has changed an object's prototype, V8 looks each of its properties up anew (Node 20, 22).
 */
export function http1Outcome(
  response: ServerResponse,
  socket: SocketState | undefined,
  finished: boolean,
  times: ResponseTimes,
): ResponseOutcome {
  const complete = (finished || wasFinished(response)) && !wasCut(socket);
  // Field by field: a spread costs each response up to 1,000 bytes more.
  return {
    kind: complete ? "completed" : "aborted",
    statusCode: response.statusCode,
    // What was written to a response that never got its turn on the connection has gone nowhere.
    headersSent: complete || (response.headersSent && !(response.socket === null && response.writableLength > 0)),
    error: complete ? undefined : errorOf(response),
    startedAt: times.startedAt,
    endedAt: times.endedAt,
    durationMs: times.durationMs,
  };
}

function errorOf({ errored, req }: ServerResponse): Error | undefined {
  return errored ?? req?.socket?.errored ?? req?.errored ?? undefined;
}

/** Whether `finish` has been emitted before, as far as one can tell. */
function wasFinished(response: ServerResponse): boolean {
  if (!response.writableEnded) return false;
  // Node takes the socket from a response that finished. One that was cut keeps it, and one that waits for its turn on
  // a pipelined connection has none yet, but its output unsent. `writableFinished` alone is no sign: before Node 24.9
  // an `end()` after the client's death turns it true.
  if (response.socket === null) return response.writableFinished;
  // light-my-request (Fastify's `inject`) leaves its sink in place, and destroys the response in `end()`.
  return response.destroyed && !response.socket?.destroyed;
}

interface SocketState extends Partial<Pick<Socket, "destroyed" | "errored">> {
  readonly _writableState?: { readonly needDrain?: boolean };
}

/** Whether a `finish` is false: up to Node 24.8 it also comes when a socket dies with a part of the body still in it. */
function wasCut(socket: SocketState | undefined): boolean {
  if (!socket) return false;
  if (socket.errored) return true;
  // On Node 20 a socket that this process destroyed (a shutdown, a timeout) has no error. That it still had more to
  // write than its high-water mark shows in a flag of its stream, which its end does not reset; less leaves no trace.
  return socket.destroyed === true && socket._writableState?.needDrain === true;
}

function http2Outcome(response: Http2Response, times: ResponseTimes): ResponseOutcome {
  const stream = streamOf(response);
  const complete = wasSent(stream);
  const sent: unknown = stream.sentHeaders?.[":status"];
  return {
    kind: complete ? "completed" : "aborted",
    statusCode: typeof sent === "number" ? sent : "statusCode" in response ? response.statusCode : 200,
    headersSent: stream.headersSent,
    error: complete ? undefined : (stream.errored ?? resetError(stream)),
    ...times,
  };
}

/**
 * Whether the whole response was handed to the HTTP/2 session. The stream says so in its writable state, which a reset
 * leaves unfinished, except where nothing had been written (then it is `aborted`) and for HEAD (whose body is finished
 * from the start, so that the headers decide). The reset code is no sign: a client that was answered in the middle of
 * its upload resets the rest of the upload after it has read the answer.
 */
function wasSent(stream: ServerHttp2Stream): boolean {
  return stream.headersSent && stream.writableFinished && !stream.aborted;
}

/** Node makes no error for a reset by the client, but the code is known. */
function resetError(stream: ServerHttp2Stream): Error | undefined {
  if (!stream.rstCode) return undefined;
  const error = new Error(`The HTTP/2 stream was reset with code ${stream.rstCode}`);
  return Object.assign(error, { code: "ERR_HTTP2_STREAM_ERROR" });
}
