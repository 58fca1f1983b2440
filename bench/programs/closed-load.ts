// As many requests as a server answers: each connection sends the next one when the last answer is complete. The answers
// are all of one length, so counting bytes is enough, and the client takes little of the cores.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import net from "node:net";
import { performance } from "node:perf_hooks";
import { answer } from "../harness/answer.js";

export interface ClosedOrder {
  readonly port: number;
  readonly connections: number;
  readonly requests: number;
  /** Sent instead of a request to `/photos` without a body: this PNG file, to `/uploads`. */
  readonly upload?: string;
}

// The lines that http.request sends, in its order: a server that is warmed up here and measured by bench/programs/open-load.ts is
// not to see another kind of request there, for which V8 would optimise its parser and its router anew.
function requestOf(port: number, upload: string | undefined): Buffer {
  const body = upload === undefined ? Buffer.alloc(0) : readFileSync(upload);
  const target = upload === undefined ? "/photos" : "/uploads";
  const type = upload === undefined ? "" : "Content-Type: image/png\r\n";
  const head = `POST ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${type}Connection: keep-alive\r\nContent-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

answer({
  /** Resolves to the ms that it took. */
  async run({ port, connections, requests, upload }: ClosedOrder): Promise<number> {
    const request = requestOf(port, upload);
    const sockets = await Promise.all(Array.from({ length: connections }, () => connect(port)));
    const length = await lengthOfAnswer(port, request);
    const startedAt = performance.now();
    let left = requests;
    await Promise.all(
      sockets.map(async (socket) => {
        await exchange(socket, request, length, () => left-- > 0);
        socket.destroy();
      }),
    );
    return performance.now() - startedAt;
  },
});

/** Sends requests as long as there are more, one after the other. */
function exchange(socket: net.Socket, request: Buffer, length: number, takeOne: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = 0;
    const next = (): void => void (takeOne() ? socket.write(request) : resolve());
    socket.on("data", (chunk) => {
      received += chunk.length;
      if (received < length) return;
      if (received > length) reject(new Error("an answer of another length"));
      received = 0;
      next();
    });
    socket.once("error", reject);
    next();
  });
}

async function lengthOfAnswer(port: number, request: Buffer): Promise<number> {
  const socket = await connect(port);
  socket.write(request);
  let text = "";
  while (!/\r\n\r\n.+/s.test(text)) text += String((await once(socket, "data"))[0]);
  socket.destroy();
  if (!text.startsWith("HTTP/1.1 202 ")) throw new Error(`expected 202, got ${text}`);
  return Buffer.byteLength(text);
}

async function connect(port: number): Promise<net.Socket> {
  const socket = net.connect(port, "127.0.0.1");
  socket.setNoDelay(true);
  await once(socket, "connect");
  return socket;
}
