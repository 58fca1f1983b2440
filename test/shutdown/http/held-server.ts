// What the tests of this folder share: a server whose requests the test answers itself, its drain, a certificate.
import { EventEmitter, once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type net from "node:net";
import path from "node:path";
import { ServerDrain } from "../../../src/shutdown/http/server-drain.js";
import { afterThisTest, listen } from "../../support/http.js";

/** A header that says `Connection: close`, in the head of a response. */
export const closes = /^connection: close\r$/im;

/** The key and certificate of a TLS server. */
export const certificate = { key: fixture("localhost.key"), cert: fixture("localhost.crt") };

function fixture(file: string): Buffer {
  return readFileSync(path.join(import.meta.dirname, "fixtures", file));
}

/** A server whose handler waits for the test, and its drain. */
export class HeldServer {
  readonly server: Server;
  readonly drain: ServerDrain;
  port = 0;
  private readonly requests = new EventEmitter();
  private readonly arrived: { req: IncomingMessage; res: ServerResponse }[] = [];

  constructor(create: (handler: (req: IncomingMessage, res: ServerResponse) => void) => Server = createServer) {
    this.server = create((req, res) => {
      this.arrived.push({ req, res });
      this.requests.emit("request");
    });
    this.drain = drainOf(this.server);
  }

  static async start(create?: ConstructorParameters<typeof HeldServer>[0]): Promise<HeldServer> {
    const held = new HeldServer(create);
    held.port = await listen(held.server);
    return held;
  }

  /** The next request that no call has returned yet. */
  async next(): Promise<ServerResponse> {
    const first = this.arrived.shift();
    if (first !== undefined) return first.res;
    await once(this.requests, "request");
    return this.next();
  }
}

/** The drain of a server, uninstalled after the test. */
export function drainOf(server: net.Server): ServerDrain {
  const drain = new ServerDrain(server);
  afterThisTest(() => {
    drain.uninstall();
  });
  return drain;
}
