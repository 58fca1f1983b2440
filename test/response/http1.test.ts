import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { connect, type RawClient } from "../support/http.js";
import { type Exchange, largeBody, register, serve, turns } from "./observe.js";

async function exchange(
  method = "GET",
  headers: Record<string, string> = {},
  body = "",
): Promise<Exchange & { client: RawClient }> {
  const { port, next } = await serve();
  const client = await connect(port);
  client.request(method, "/", headers, body);
  return { ...(await next()), client };
}

describe("a response of HTTP/1 that is handed over whole is completed", () => {
  it("with its status and its duration", async () => {
    const { res, client } = await exchange();
    const { outcome } = register(res);
    res.statusCode = 418;
    res.end("short and stout");
    expect(await outcome).toEqual({
      kind: "completed",
      statusCode: 418,
      headersSent: true,
      error: undefined,
      startedAt: expect.any(Number),
      endedAt: expect.any(Number),
      durationMs: expect.any(Number),
    });
    expect((await outcome).durationMs).toBeGreaterThan(0);
    await client.waitFor(/stout/);
  });

  const answers: Record<string, (res: ServerResponse) => void> = {
    "204": (res) => res.writeHead(204).end(),
    "302": (res) => res.writeHead(302, { Location: "/elsewhere" }).end(),
    "304": (res) => res.writeHead(304, { ETag: '"1"' }).end(),
    "200 to HEAD": (res) => res.writeHead(200, { "Content-Length": "5" }).end("hello"),
    "200 in chunks": (res) => {
      res.write("a");
      res.write("b");
      res.end("c");
    },
    "200 and the end of the connection": (res) => res.writeHead(200, { Connection: "close" }).end("bye"),
  };
  it.each(Object.entries(answers))("once: %s", async (name, answer) => {
    const { res, client } = await exchange(name.includes("HEAD") ? "HEAD" : "GET");
    const { outcome, outcomes } = register(res);
    answer(res);
    expect(await outcome).toMatchObject({
      kind: "completed",
      statusCode: Number.parseInt(name, 10),
      headersSent: true,
    });
    await client.waitFor(/\r\n\r\n/);
    await client.reset();
    await turns();
    expect(outcomes).toHaveLength(1);
  });

  it("when it answers early, with the body of the request unread", async () => {
    const { req, res, client } = await exchange("POST", { "Content-Length": "1000000" }, "the beginning");
    const { outcome, outcomes } = register(res);
    res.writeHead(413, { Connection: "close" }).end("too large");
    expect(await outcome).toMatchObject({ kind: "completed", statusCode: 413 });
    await client.waitFor(/too large/);
    req.destroy();
    await client.closed;
    await turns();
    expect(outcomes).toHaveLength(1);
  });

  it("when the request's body was read to its end, upon which the request closes before the response", async () => {
    const { req, res, client } = await exchange("POST", { "Content-Length": "4" }, "body");
    const { outcome } = register(res);
    req.resume();
    await once(req, "close");
    res.end("thanks");
    expect((await outcome).kind).toBe("completed");
    await client.waitFor(/thanks/);
  });

  it("when the client resets the connection just after it", async () => {
    const { res, client } = await exchange();
    const { outcome, outcomes } = register(res);
    res.end("all of it");
    await client.waitFor(/all of it/);
    await client.reset();
    expect((await outcome).kind).toBe("completed");
    await turns();
    expect(outcomes).toHaveLength(1);
  });

  it("when it is large and the client, which reads it all, has closed its own side", async () => {
    const { res, client } = await exchange();
    const { outcome } = register(res);
    res.writeHead(200, { "Content-Length": largeBody.length }).end(largeBody);
    client.socket.end();
    expect((await outcome).kind).toBe("completed");
    await client.closed;
    expect(client.received.length).toBeGreaterThan(largeBody.length);
  });

  it("when the server destroys the connection in the same tick, with nothing left to write", async () => {
    const { req, res, client } = await exchange();
    const { outcome } = register(res);
    res.end("in one piece");
    req.socket.destroy();
    expect((await outcome).kind).toBe("completed");
    await client.closed;
    expect(client.received).toContain("in one piece");
  });
});

describe("a response of HTTP/1 whose client is gone before its end is aborted", () => {
  it("before the headers, and a late end() changes nothing", async () => {
    const { res, client } = await exchange();
    const { outcome, outcomes } = register(res);
    await client.reset();
    expect(await outcome).toMatchObject({ kind: "aborted", headersSent: false, error: expect.any(Error) });
    res.end("to nobody");
    await turns();
    expect(outcomes).toHaveLength(1);
    expect((await register(res).outcome).kind).toBe("aborted");
  });

  it("in the middle of the body", async () => {
    const { res, client } = await exchange();
    const { outcome } = register(res);
    res.write("a part");
    await client.waitFor(/a part/);
    await client.reset();
    expect(await outcome).toMatchObject({ kind: "aborted", statusCode: 200, headersSent: true });
  });

  it("when it only closes the connection, without a reset", async () => {
    const { res, client } = await exchange();
    const { outcome } = register(res);
    client.socket.destroy();
    expect((await outcome).kind).toBe("aborted");
  });

  it.each([
    ["in one piece", (res: ServerResponse) => res.end(largeBody)],
    [
      "in pieces",
      (res: ServerResponse) => {
        for (let piece = 0; piece < 32; piece++) res.write(largeBody.subarray(0, 1024 * 1024));
        res.end();
      },
    ],
  ])("after end(), with a large body %s still under way", async (_, end) => {
    const { res, client } = await exchange();
    const { outcome, outcomes } = register(res);
    end(res);
    await client.waitFor(/xxx/);
    client.pause();
    await client.reset();
    expect(await outcome).toMatchObject({ kind: "aborted", statusCode: 200, headersSent: true });
    expect((await outcome).error).toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) });
    await turns();
    expect(outcomes).toHaveLength(1);
    expect((await register(res).outcome).kind).toBe("aborted");
  });

  it("after end(), with no more than the last small piece still under way", async () => {
    const { req, res, client } = await exchange();
    const { outcome } = register(res);
    client.pause();
    const piece = Buffer.alloc(8 * 1024, "x");
    while (req.socket.writableLength === 0) {
      res.write(piece);
      await turns();
    }
    res.end();
    await client.reset();
    expect((await outcome).kind).toBe("aborted");
  });

  it.each([
    ["the socket", ({ req }: Exchange) => req.socket.destroy()],
    ["the response", ({ res }: Exchange) => res.destroy()],
  ])("when this process destroys %s with a large body under way", async (_, destroy) => {
    const { req, res, client } = await exchange();
    const { outcome } = register(res);
    res.end(largeBody);
    await client.waitFor(/xxx/);
    client.pause();
    destroy({ req, res });
    expect((await outcome).kind).toBe("aborted");
    expect((await register(res).outcome).kind).toBe("aborted");
  });

  it("when this process closes all connections with a large body under way", async () => {
    const { server, port, next } = await serve();
    const client = await connect(port);
    client.request("GET", "/");
    const { res } = await next();
    const { outcome } = register(res);
    res.end(largeBody);
    await client.waitFor(/xxx/);
    client.pause();
    server.closeAllConnections();
    expect((await outcome).kind).toBe("aborted");
  });

  it("when the handler destroys the connection in the middle", async () => {
    const { res, client } = await exchange();
    const { outcome } = register(res);
    const reason = new Error("the source broke");
    res.on("error", () => {});
    res.write("a part");
    await client.waitFor(/a part/);
    res.destroy(reason);
    expect(await outcome).toMatchObject({ kind: "aborted", error: reason });
  });

  it("when it was taken from its socket, which then closes", async () => {
    const { req, res, client } = await exchange();
    const { outcome } = register(res);
    res.detachSocket(req.socket);
    req.socket.end("raw bytes");
    await client.closed;
    expect(await outcome).toMatchObject({ kind: "aborted", headersSent: false });
  });
});

describe("pipelined responses", () => {
  async function pair(): Promise<{ first: Exchange; second: Exchange; client: RawClient }> {
    const { port, next } = await serve();
    const client = await connect(port);
    client.request("GET", "/1");
    client.request("GET", "/2");
    return { first: await next(), second: await next(), client };
  }

  it("end each on its own, in the order in which they leave", async () => {
    const { first, second, client } = await pair();
    const order: string[] = [];
    const one = register(first.res);
    const two = register(second.res);
    void one.outcome.then(() => order.push("one"));
    void two.outcome.then(() => order.push("two"));
    second.res.statusCode = 404;
    second.res.end("two");
    await turns();
    expect(order).toEqual([]);
    first.res.end("one");
    expect(await one.outcome).toMatchObject({ kind: "completed", statusCode: 200 });
    expect(await two.outcome).toMatchObject({ kind: "completed", statusCode: 404 });
    expect(order).toEqual(["one", "two"]);
    await client.waitFor(/one.*two/s);
  });

  it("are aborted when the connection dies before their turn, whatever was written to them", async () => {
    const { first, second, client } = await pair();
    const one = register(first.res);
    const two = register(second.res);
    second.res.end("two");
    await client.reset();
    expect(await one.outcome).toMatchObject({ kind: "aborted", headersSent: false });
    expect(await two.outcome).toMatchObject({ kind: "aborted", headersSent: false });
    await turns();
    expect([...one.outcomes, ...two.outcomes]).toHaveLength(2);
  });

  it("are aborted too when they are registered after the connection died", async () => {
    const { first, second, client } = await pair();
    second.res.end("two");
    const closed = new Promise((resolve) => first.req.socket.once("close", resolve));
    await client.reset();
    await closed;
    await turns();
    expect((await register(first.res).outcome).kind).toBe("aborted");
    expect((await register(second.res).outcome).kind).toBe("aborted");
  });
});
