// The drain of one server: its listener, its connections, and what is left of it afterwards.
import { channel } from "node:diagnostics_channel";
import { once } from "node:events";
import { createServer } from "node:http";
import net from "node:net";
import { describe, expect, it } from "vitest";
import { ServerDrain } from "../../../src/shutdown/http/server-drain.js";
import { connect, listen } from "../../support/http.js";
import { drainOf, HeldServer } from "./held-server.js";

describe("a listener that closes", () => {
  it("refuses new connections and is drained when none is left", async () => {
    const held = await HeldServer.start();
    held.drain.announce();
    held.drain.close();
    await held.drain.drained;
    const socket = net.connect(held.port, "127.0.0.1");
    const [error] = await once(socket, "error");
    expect(error).toMatchObject({ code: "ECONNREFUSED" });
  });

  it("lets the requests finish that are open, and names them", async () => {
    const held = await HeldServer.start();
    const client = await connect(held.port);
    client.request("POST", "/photos?token=secret", { "Content-Length": "0" });
    const res = await held.next();
    held.drain.announce();
    held.drain.close();
    expect(held.drain.openRequests()).toEqual([{ method: "POST", path: "/photos", forMs: expect.any(Number) }]);
    res.end("done");
    await held.drain.drained;
    await client.closed;
    expect(client.received).toContain("done");
    expect(held.drain.openRequests()).toEqual([]);
  });

  it("closes what is idle, what never sent a byte, and what sent half of a request's head", async () => {
    const held = await HeldServer.start();
    const idle = await connect(held.port);
    idle.request("GET", "/");
    (await held.next()).end("done");
    await idle.waitFor(/done/);
    const silent = await connect(held.port);
    const half = await connect(held.port);
    half.socket.write("GET / HTTP/1.1\r\nHost:");
    held.drain.announce();
    held.drain.close();
    await Promise.all([held.drain.drained, idle.closed, silent.closed, half.closed]);
  });

  it("serves a request on a connection that was idle a moment ago", async () => {
    const held = await HeldServer.start();
    const client = await connect(held.port);
    client.request("GET", "/1");
    (await held.next()).end("one");
    await client.waitFor(/one/);
    held.drain.announce();
    held.drain.close();
    client.request("GET", "/2");
    (await held.next()).end("two");
    await Promise.all([held.drain.drained, client.closed]);
    expect(client.received).toMatch(/connection: close.*two/is);
  });

  it("waits for a slow body, and for a handler of Expect: 100-continue", async () => {
    const held = await HeldServer.start();
    held.server.on("checkContinue", (req, res) => {
      res.writeContinue();
      req.on("data", () => {}).on("end", () => res.end("got it"));
    });
    const client = await connect(held.port);
    client.request("POST", "/slow", { "Content-Length": "4", Expect: "100-continue" });
    await client.waitFor(/100 Continue/);
    held.drain.announce();
    held.drain.close();
    expect(held.drain.openRequests()).toHaveLength(1);
    client.socket.write("body");
    await Promise.all([held.drain.drained, client.closed]);
    expect(client.received).toContain("got it");
  });

  it("forgets the requests of a client that is gone, pipelined ones too", async () => {
    const held = await HeldServer.start();
    const client = await connect(held.port);
    client.request("GET", "/1");
    client.request("GET", "/2");
    await held.next();
    await held.next();
    held.drain.announce();
    held.drain.close();
    await client.reset();
    await held.drain.drained;
    expect(held.drain.openRequests()).toEqual([]);
  });

  it("that is not open yet is closed as soon as it is", async () => {
    const held = new HeldServer();
    held.drain.announce();
    held.drain.close();
    await held.drain.drained;
    held.server.listen(0, "127.0.0.1");
    await once(held.server, "close");
  });

  it("leaves the server's own methods as they are", async () => {
    const held = await HeldServer.start();
    held.drain.announce();
    held.drain.close();
    expect(Object.hasOwn(held.server, "closeIdleConnections")).toBe(false);
  });

  it("closes connections that were there before the drain knew of them", async () => {
    const server = createServer((_req, res) => res.end("done"));
    const port = await listen(server);
    const client = await connect(port);
    client.request("GET", "/");
    await client.waitFor(/done/);
    const drain = drainOf(server);
    drain.announce();
    drain.close();
    await Promise.all([drain.drained, client.closed]);
  });
});

describe("a drain that is forced", () => {
  it("closes every connection and counts those with a request open", async () => {
    const held = await HeldServer.start();
    const clients = await Promise.all([connect(held.port), connect(held.port), connect(held.port)]);
    clients[0]?.request("GET", "/");
    clients[1]?.request("POST", "/", { "Content-Length": "10" }, "half");
    await held.next();
    await held.next();
    held.drain.announce();
    held.drain.close();
    expect(held.drain.force()).toBe(2);
    await Promise.all([held.drain.drained, ...clients.map(({ closed }) => closed)]);
  });
});

describe("uninstalling", () => {
  it("leaves no listener on the server, its connections and Node's channel", async () => {
    const server = createServer((_req, res) => res.end("done"));
    server.on("upgrade", () => {});
    const port = await listen(server);
    const listeners = () => server.eventNames().map((name) => `${String(name)}: ${server.listenerCount(name)}`);
    const before = listeners();
    const drain = new ServerDrain(server);
    const accepted = once(server, "connection");
    const client = await connect(port);
    client.request("GET", "/");
    await client.waitFor(/done/);
    const [socket] = await accepted;
    const closeListeners = socket.listenerCount("close");
    drain.announce();
    drain.uninstall();
    expect(listeners()).toEqual(before);
    expect(socket.listenerCount("close")).toBe(closeListeners - 1);
    expect(channel("http.server.request.start").hasSubscribers).toBe(false);
  });

  it("is not needed to keep a keep-alive connection free of listeners", async () => {
    const held = await HeldServer.start();
    const client = await connect(held.port);
    const counts: number[] = [];
    for (let i = 0; i < 50; i += 1) {
      client.request("GET", `/${i}`);
      const res = await held.next();
      counts.push(res.req.socket.listenerCount("close"));
      res.end(`answer ${i};`);
      await client.waitFor(new RegExp(`answer ${i};`));
    }
    expect(new Set(counts).size).toBe(1);
  });
});
