// As many requests as a server answers: each connection sends the next one when the last answer is complete. The answers
// are all of one length, so counting bytes is enough, and the client takes little of the cores.
import { once } from "node:events";
import net from "node:net";
import { performance } from "node:perf_hooks";
import { answer } from "../harness/answer.js";

export interface ClosedOrder {
  readonly port: number;
  readonly connections: number;
  readonly requests: number;
}

const request = Buffer.from("POST /photos HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\n\r\n");

answer({
  /** Resolves to the ms that it took. */
  async run({ port, connections, requests }: ClosedOrder): Promise<number> {
    const sockets = await Promise.all(Array.from({ length: connections }, () => connect(port)));
    const length = await lengthOfAnswer(port);
    const startedAt = performance.now();
    let left = requests;
    await Promise.all(
      sockets.map(async (socket) => {
        await exchange(socket, length, () => left-- > 0);
        socket.destroy();
      }),
    );
    return performance.now() - startedAt;
  },
});

/** Sends requests as long as there are more, one after the other. */
function exchange(socket: net.Socket, length: number, takeOne: () => boolean): Promise<void> {
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

async function lengthOfAnswer(port: number): Promise<number> {
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
