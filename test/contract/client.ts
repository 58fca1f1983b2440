// A client for both protocols, with one connection that is kept, whose requests can be broken off.
import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";

export interface ClientRequest {
  /** Sent as the body; with `open` the request is not ended after it. */
  readonly body?: string;
  readonly open?: boolean;
}

export interface ClientResponse {
  readonly status: number;
  readonly body: Readable;
  text(): Promise<string>;
}

export interface Exchange {
  /** Resolves when the headers have arrived. */
  readonly response: Promise<ClientResponse>;
  /** Breaks the exchange off: a TCP reset on HTTP/1, RST_STREAM with CANCEL on HTTP/2. */
  abort(): void;
}

export interface Client {
  send(method: string, path: string, request?: ClientRequest): Exchange;
  /** The same, and the whole answer. */
  ask(method: string, path: string, request?: ClientRequest): Promise<{ status: number; body: string }>;
  close(): void;
}

export function openClient(protocol: "http1" | "http2", port: number): Client {
  const { send, close } = protocol === "http1" ? http1Client(port) : http2Client(port);
  return {
    send,
    close,
    async ask(method, path, request) {
      const response = await send(method, path, request).response;
      return { status: response.status, body: await response.text() };
    },
  };
}

type Transport = Pick<Client, "send" | "close">;

function http1Client(port: number): Transport {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  return {
    close: () => agent.destroy(),
    send(method, path, { body, open = false } = {}) {
      const headers: Record<string, string | number> =
        body === undefined ? {} : { "Content-Type": "application/octet-stream" };
      if (open) headers["Content-Length"] = 1_000_000;
      const request = http.request({ host: "127.0.0.1", port, agent, method, path, headers });
      const response = once(request, "response").then(([message]: http.IncomingMessage[]) => {
        if (message === undefined) throw new Error("no message");
        // An aborted body ends in an error that is no one's surprise.
        message.on("error", () => {});
        return { status: message.statusCode ?? 0, body: message, text: () => text(message) };
      });
      response.catch(() => {});
      request.on("error", () => {});
      if (open) request.write(body ?? "");
      else request.end(body);
      return { response, abort: () => request.socket?.resetAndDestroy() };
    },
  };
}

function http2Client(port: number): Transport {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  return {
    close: () => session.destroy(),
    send(method, path, { body, open = false } = {}) {
      const stream = session.request({ ":method": method, ":path": path }, { endStream: body === undefined });
      const response = once(stream, "response").then(([headers]) => ({
        status: Number(headers?.[":status"]),
        body: stream,
        text: () => text(stream),
      }));
      response.catch(() => {});
      stream.on("error", () => {});
      if (open) stream.write(body ?? "");
      else if (body !== undefined) stream.end(body);
      return { response, abort: () => stream.close(http2.constants.NGHTTP2_CANCEL) };
    },
  };
}
