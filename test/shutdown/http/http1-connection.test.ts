// One HTTP/1 connection in a drain: which response says Connection: close, and when the connection ends.
import { once } from "node:events";
import { createServer, request } from "node:http";
import { describe, expect, it } from "vitest";
import { connect, listen, type RawClient } from "../../support/http.js";
import { closes, drainOf, HeldServer } from "./held-server.js";

/** The heads of the responses in what a client received. */
function heads(client: RawClient): string[] {
  return [...client.received.matchAll(/HTTP\/1\.1 .*?\r\n\r\n/gs)].map(([head]) => head);
}

describe("an HTTP/1 response", () => {
  it("gains Connection: close while it is in flight", async () => {
    const held = await HeldServer.start();
    const client = await connect(held.port);
    client.request("GET", "/");
    const res = await held.next();
    held.drain.announce();
    res.end("done");
    await client.closed;
    expect(client.received).toMatch(closes);
    expect(client.received).toContain("done");
  });

  it("says Connection: close when its request came after the announcement, and is served all the same", async () => {
    const held = await HeldServer.start();
    held.drain.announce();
    const client = await connect(held.port);
    client.request("GET", "/");
    (await held.next()).end("served");
    await client.closed;
    expect(client.received).toMatch(closes);
    expect(client.received).toContain("served");
  });

  it("keeps its own headers, repeated ones in an array too", async () => {
    const held = await HeldServer.start();
    held.drain.announce();
    const client = await connect(held.port);
    client.request("GET", "/");
    (await held.next()).writeHead(200, ["Set-Cookie", "a=1", "Set-Cookie", "b=2"]).end();
    await client.closed;
    expect(client.received).toMatch(/Set-Cookie: a=1\r\nSet-Cookie: b=2/);
    expect(client.received).toMatch(closes);
  });

  it("ends its connection when its headers had left before", async () => {
    const held = await HeldServer.start();
    const client = await connect(held.port);
    client.request("GET", "/");
    const res = await held.next();
    res.write("first half, ");
    await client.waitFor(/first half/);
    held.drain.announce();
    res.end("second half");
    await client.closed;
    expect(client.received).not.toMatch(closes);
    expect(client.received).toContain("second half");
  });

  it("ends its connection when it says Connection: keep-alive itself", async () => {
    const held = await HeldServer.start();
    held.drain.announce();
    const client = await connect(held.port);
    client.request("GET", "/");
    (await held.next()).setHeader("Connection", "keep-alive").end("done");
    await client.closed;
    expect(client.received).toMatch(/^connection: keep-alive\r$/im);
  });

  it("without Connection: close may be followed by one more, which has it", async () => {
    const held = await HeldServer.start();
    const client = await connect(held.port);
    client.request("GET", "/one");
    const one = await held.next();
    one.write("x");
    await client.waitFor(/\r\n\r\n/);
    held.drain.announce();
    one.end();
    await once(one, "close");
    client.request("GET", "/two");
    (await held.next()).end("two");
    await client.closed;
    expect(heads(client).map((head) => closes.test(head))).toEqual([false, true]);
  });

  it("that is pipelined is sent, because only the last one says Connection: close", async () => {
    const held = await HeldServer.start();
    const client = await connect(held.port);
    client.request("GET", "/1");
    client.request("GET", "/2");
    const first = await held.next();
    const second = await held.next();
    held.drain.announce();
    client.request("GET", "/3");
    const third = await held.next();
    expect(held.drain.openRequests().map((request) => request.path)).toEqual(["/1", "/2", "/3"]);
    third.end("three");
    second.end("two");
    first.end("one");
    await client.closed;
    expect(client.received).toMatch(/one.*two.*three/s);
    expect(heads(client).map((head) => closes.test(head))).toEqual([false, false, true]);
  });
});

describe("a client of node:http with an agent", () => {
  it("sees no error when the server drains between its requests", async () => {
    const server = createServer((_req, res) => res.end("done"));
    const drain = drainOf(server);
    const port = await listen(server);
    const get = () => {
      return new Promise<string | undefined>((resolve, reject) => {
        request({ port, host: "127.0.0.1" }, (res) => {
          res.resume().on("end", () => resolve(res.headers.connection));
        })
          .on("error", reject)
          .end();
      });
    };
    expect(await get()).toBe("keep-alive");
    drain.announce();
    expect(await get()).toBe("close");
    drain.close();
    await drain.drained;
  });
});
