// The kinds of response that Node has, and how to tell them apart: HTTP/1's, and HTTP/2's in its two forms.
import type { ServerResponse } from "node:http";
import type { Http2ServerResponse, ServerHttp2Stream } from "node:http2";

/** A response of `node:http2`: in its compatibility form, or the stream itself. */
export type Http2Response = Http2ServerResponse | ServerHttp2Stream;

/** A response of `node:http` or `node:http2`. */
export type AnyResponse = ServerResponse | Http2Response;

export function isHttp2(response: AnyResponse): response is Http2Response {
  return "stream" in response || "rstCode" in response;
}

/** The stream that carries an HTTP/2 response. */
export function streamOf(response: Http2Response): ServerHttp2Stream {
  return "stream" in response ? response.stream : response;
}

/**
 * Whether a value has the methods of a response that the library uses. The class is not asked, because Express changes
 * prototypes and tests use mocks.
 */
export function isResponse(value: unknown): value is AnyResponse {
  return has(value, "on") && has(value, "end") && (has(value, "writeHead") || has(value, "respond"));
}

function has(value: unknown, method: string): boolean {
  return typeof value === "object" && value !== null && typeof Reflect.get(value, method) === "function";
}
