// The connections of an HTTPS server in a drain, with those that have not finished the handshake.
import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { connect as connectTls } from "node:tls";
import { describe, expect, it } from "vitest";
import { connect, RawClient } from "../../support/http.js";
import { certificate, closes, HeldServer } from "./held-server.js";

describe("an HTTPS server", () => {
  const https = (handler: (req: IncomingMessage, res: ServerResponse) => void) => {
    return createHttpsServer(certificate, handler) as unknown as Server;
  };

  it("finishes the open request with Connection: close, and closes idle connections and unfinished handshakes", async () => {
    const held = await HeldServer.start(https);
    const tls = async () => {
      const socket = connectTls({ port: held.port, host: "127.0.0.1", rejectUnauthorized: false });
      await once(socket, "secureConnect");
      return new RawClient(socket);
    };
    const [busy, silent, handshake] = [await tls(), await tls(), await connect(held.port)];
    busy.request("GET", "/");
    const res = await held.next();
    held.drain.announce();
    held.drain.close();
    await silent.closed;
    expect(busy.socket.destroyed).toBe(false);
    res.end("done");
    await Promise.all([held.drain.drained, busy.closed, handshake.closed]);
    expect(busy.received).toMatch(closes);
    expect(busy.received).toContain("done");
  });
});
