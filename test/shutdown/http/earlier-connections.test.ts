// A drain that is set up after clients have connected: it knows their connections, and cuts nothing off.
import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { connect as connectHttp2, createSecureServer } from "node:http2";
import { createServer as createTlsServer } from "node:https";
import type { Server } from "node:net";
import { connect as connectTls } from "node:tls";
import { describe, expect, it } from "vitest";
import { afterThisTest, connect, listen, RawClient } from "../../support/http.js";
import { certificate, closes, drainOf } from "./held-server.js";

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

/** A server without a drain yet, with the responses that its handler was given. */
async function start(create: (handler: Handler) => Server) {
  const responses = new EventEmitter();
  const waiting: ServerResponse[] = [];
  const server = create((_req, res) => {
    waiting.push(res);
    responses.emit("response");
  });
  const port = await listen(server as ReturnType<typeof createServer>);
  const next = async (): Promise<ServerResponse> => {
    const first = waiting.shift();
    if (first !== undefined) return first;
    await once(responses, "response");
    return next();
  };
  return { server, port, next };
}

describe("a drain that is set up late", () => {
  it("lets an answer leave that a slow client is still reading", async () => {
    const { server, port, next } = await start(createServer);
    const client = await connect(port);
    client.pause();
    client.request("GET", "/");
    const res = await next();
    const body = "x".repeat(20_000_000);
    res.end(body);
    const drain = drainOf(server);
    drain.announce();
    drain.close();
    // Several looks for quiet connections happen meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(drain.openRequests()).toMatchObject([{ method: "GET", path: "/" }]);
    client.socket.resume();
    await Promise.all([drain.drained, client.closed]);
    expect(client.received.length).toBeGreaterThan(body.length);
  });

  it("cuts no response off that is pipelined behind another", async () => {
    const { server, port, next } = await start(createServer);
    const client = await connect(port);
    client.request("GET", "/1");
    client.request("GET", "/2");
    const [one, two] = [await next(), await next()];
    const drain = drainOf(server);
    drain.announce();
    drain.close();
    one.end("one");
    await client.waitFor(/one/);
    // Longer than a connection between two requests may stay.
    await new Promise((resolve) => setTimeout(resolve, 800));
    two.end("two");
    await Promise.all([drain.drained, client.closed]);
    expect(client.received).toContain("two");
  });

  it("marks the one open response of a connection", async () => {
    const { server, port, next } = await start(createServer);
    const client = await connect(port);
    client.request("GET", "/");
    const res = await next();
    const drain = drainOf(server);
    drain.announce();
    drain.close();
    res.end("done");
    await Promise.all([drain.drained, client.closed]);
    expect(client.received).toMatch(closes);
  });

  it("knows upgraded sockets, and closes what is silent", async () => {
    const { server, port } = await start(createServer);
    server.on("upgrade", (_req, socket) => socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n"));
    const client = await connect(port);
    client.request("GET", "/", { Connection: "upgrade", Upgrade: "websocket" });
    await client.waitFor(/101/);
    const silent = await connect(port);
    await new Promise(setImmediate);
    const drain = drainOf(server);
    expect(drain.upgradedSockets()).toHaveLength(1);
    drain.announce();
    drain.close();
    await silent.closed;
    for (const socket of drain.upgradedSockets()) socket.destroy();
    await Promise.all([drain.drained, client.closed]);
  });

  it("knows connections of https and of HTTP/1 over a secure HTTP/2 server", async () => {
    const servers: ((handler: Handler) => Server)[] = [
      (handler) => createTlsServer(certificate, handler),
      (handler) => createSecureServer({ ...certificate, allowHTTP1: true }, handler as never),
    ];
    for (const create of servers) {
      const { server, port, next } = await start(create);
      const socket = connectTls({ port, rejectUnauthorized: false });
      await once(socket, "secureConnect");
      const client = new RawClient(socket);
      client.request("GET", "/");
      const res = await next();
      const drain = drainOf(server);
      drain.announce();
      drain.close();
      expect(drain.openRequests()).toHaveLength(1);
      res.end("done");
      await Promise.all([drain.drained, client.closed]);
      expect(client.received).toMatch(closes);
    }
  });

  it("sends a GOAWAY to earlier HTTP/2 sessions where Node lists them", async ({ skip }) => {
    const { server, port, next } = await start((handler) => createSecureServer(certificate, handler as never));
    if (!Object.getOwnPropertySymbols(server).some(({ description }) => description === "sessions")) {
      skip("Node lists the sessions of a server from version 24 on");
    }
    const client = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    afterThisTest(() => client.destroy());
    const stream = client.request({ ":path": "/" });
    const res = await next();
    const drain = drainOf(server);
    drain.announce();
    drain.close();
    await once(client, "goaway");
    res.end("done");
    stream.resume();
    await Promise.all([drain.drained, once(client, "close")]);
  });
});
