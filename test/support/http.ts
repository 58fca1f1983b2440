// Servers on a free port of 127.0.0.1, and a client that writes and reads raw HTTP/1, with connections that end as the
// test says. All are closed after the test.
import { once } from "node:events";
import net from "node:net";
import { afterEach } from "vitest";

const cleanups = new Set<() => void>();

afterEach(() => {
  for (const cleanup of cleanups) cleanup();
  cleanups.clear();
});

/** Runs after the present test, whatever becomes of it. */
export function afterThisTest(cleanup: () => void): void {
  cleanups.add(cleanup);
}

/** Starts the server and returns its port. */
export async function listen(server: net.Server): Promise<number> {
  const sockets = new Set<net.Socket>();
  server.on("connection", (socket: net.Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  afterThisTest(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as net.AddressInfo).port;
}

/** Opens a connection of the raw client. */
export async function connect(port: number): Promise<RawClient> {
  const socket = net.connect(port, "127.0.0.1");
  await once(socket, "connect");
  return new RawClient(socket);
}

export class RawClient {
  /** All that has arrived, as Latin-1 text. */
  received = "";
  readonly closed: Promise<void>;

  constructor(readonly socket: net.Socket) {
    afterThisTest(() => socket.destroy());
    // Small packets are to be packets of their own, and not to wait for one another.
    socket.setNoDelay();
    // The server's resets are expected; what matters is that the connection is closed.
    socket.on("error", () => {});
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      this.received += text;
    });
    this.closed = new Promise((resolve) => socket.once("close", () => resolve()));
  }

  /** Writes the head of a request, and after it `body` as it is. */
  request(method: string, path: string, headers: Readonly<Record<string, string>> = {}, body = ""): void {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.socket.write(`${method} ${path} HTTP/1.1\r\nHost: test\r\n${lines.join("")}\r\n${body}`);
  }

  /** Resolves once all that has arrived matches, and rejects when the connection closes before that. */
  waitFor(pattern: RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (!pattern.test(this.received)) return;
        this.socket.off("data", look);
        resolve();
      };
      this.socket.on("data", look);
      look();
      void this.closed.then(() =>
        reject(new Error(`closed before ${pattern}; received: ${this.received.slice(0, 500)}`)),
      );
    });
  }

  /** Reads no further: the server's output piles up. */
  pause(): void {
    this.socket.pause();
  }

  /** Ends the connection the hard way, as a killed client does: with a TCP reset. */
  async reset(): Promise<void> {
    this.socket.resetAndDestroy();
    await this.closed;
  }
}
