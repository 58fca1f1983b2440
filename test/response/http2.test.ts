import { once } from "node:events";
import http2, { type Http2ServerRequest, type Http2ServerResponse, type Http2Session } from "node:http2";
import { describe, expect, it } from "vitest";
import { afterThisTest, listen } from "../support/http.js";
import { Arrivals, largeBody, register, turns } from "./observe.js";

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = http2.constants;

interface Exchange {
  readonly req: Http2ServerRequest;
  readonly res: Http2ServerResponse;
  readonly serverSession: Http2Session;
  readonly session: http2.ClientHttp2Session;
  readonly client: http2.ClientHttp2Stream;
}

async function exchange(method = "GET"): Promise<Exchange> {
  const arrived = new Arrivals<Pick<Exchange, "req" | "res">>();
  const server = http2.createServer((req, res) => arrived.push({ req, res }));
  const session = http2.connect(`http://127.0.0.1:${await listen(server)}`);
  afterThisTest(() => session.destroy());
  session.on("error", () => {});
  const client = session.request({ ":method": method, ":path": "/" }, { endStream: method !== "POST" });
  client.on("error", () => {});
  const { req, res } = await arrived.next();
  const serverSession = res.stream.session;
  if (!serverSession) throw new Error("the stream has no session");
  return { req, res, serverSession, session, client };
}

describe("a response of HTTP/2 that is handed over whole is completed", () => {
  const answers: Record<string, (res: Http2ServerResponse) => void> = {
    "200": (res) => res.end("hello"),
    "204": (res) => res.writeHead(204).end(),
    "302": (res) => res.writeHead(302, { location: "/elsewhere" }).end(),
    "304": (res) => res.writeHead(304).end(),
    "404 to HEAD": (res) => res.writeHead(404).end(),
    "200, large": (res) => res.end(largeBody),
  };
  it.each(Object.entries(answers))("once: %s", async (name, answer) => {
    const { res, client, session } = await exchange(name.includes("HEAD") ? "HEAD" : "GET");
    const { outcome, outcomes } = register(res);
    answer(res);
    client.resume();
    expect(await outcome).toEqual({
      kind: "completed",
      statusCode: Number.parseInt(name, 10),
      headersSent: true,
      error: undefined,
      startedAt: expect.any(Number),
      endedAt: expect.any(Number),
      durationMs: expect.any(Number),
    });
    session.destroy();
    await turns();
    expect(outcomes).toHaveLength(1);
  });

  it("when the request's body was read to its end", async () => {
    const { req, res, client } = await exchange("POST");
    const { outcome } = register(res);
    client.end("body");
    req.resume();
    await once(req, "end");
    res.end("thanks");
    client.resume();
    expect((await outcome).kind).toBe("completed");
  });

  describe("when it answers in the middle of an upload, of which the rest is reset later", () => {
    async function refusedUpload(): Promise<Exchange> {
      const open = await exchange("POST");
      open.client.write("the beginning");
      await once(open.req, "data");
      open.req.pause();
      return open;
    }

    it("at once, while the compatibility object has emitted nothing yet", async () => {
      const { res, client } = await refusedUpload();
      const { outcome, outcomes } = register(res);
      res.writeHead(413).end("too large");
      client.resume();
      expect(await outcome).toMatchObject({ kind: "completed", statusCode: 413 });
      client.close(NGHTTP2_CANCEL);
      await once(res.stream, "close");
      await turns();
      expect(outcomes).toHaveLength(1);
    });

    it("also for a listener that comes after the reset", async () => {
      const { res, client } = await refusedUpload();
      res.writeHead(413).end("too large");
      client.resume();
      await once(client, "data");
      client.close(NGHTTP2_CANCEL);
      await once(res.stream, "close");
      expect(await register(res).outcome).toMatchObject({ kind: "completed", statusCode: 413 });
    });
  });

  it("for a listener that comes after its end", async () => {
    const { res, client } = await exchange();
    res.writeHead(201).end("made");
    client.resume();
    await once(res, "close");
    const { outcome, outcomes } = register(res);
    expect(outcomes).toEqual([]);
    expect(await outcome).toMatchObject({ kind: "completed", statusCode: 201, headersSent: true });
  });
});

describe("a response of HTTP/2 whose client is gone before its end is aborted", () => {
  it.each([
    ["CANCEL", NGHTTP2_CANCEL],
    ["NO_ERROR", NGHTTP2_NO_ERROR],
  ])("by a reset (%s) before the headers, and a late end() changes nothing", async (_, code) => {
    const { res, client } = await exchange();
    const { outcome, outcomes } = register(res);
    client.close(code);
    expect(await outcome).toMatchObject({ kind: "aborted", headersSent: false });
    if (code !== NGHTTP2_NO_ERROR) expect((await outcome).error?.message).toMatch(/reset with code 8/);
    res.end("to nobody");
    await turns();
    expect(outcomes).toHaveLength(1);
    expect((await register(res).outcome).kind).toBe("aborted");
  });

  it("with the status it would have had", async () => {
    const { res, client } = await exchange();
    const { outcome } = register(res);
    res.statusCode = 500;
    client.close(NGHTTP2_CANCEL);
    expect(await outcome).toMatchObject({ kind: "aborted", statusCode: 500, headersSent: false });
  });

  it("by a reset of a HEAD request, which Node does not report on the response at all", async () => {
    const { res, client } = await exchange("HEAD");
    const { outcome } = register(res);
    client.close(NGHTTP2_CANCEL);
    expect(await outcome).toMatchObject({ kind: "aborted", headersSent: false });
  });

  it.each([
    ["CANCEL", NGHTTP2_CANCEL],
    ["NO_ERROR", NGHTTP2_NO_ERROR],
  ])("by a reset (%s) in the middle of the body", async (_, code) => {
    const { res, client } = await exchange();
    const { outcome } = register(res);
    res.writeHead(200).write("a part");
    await once(client, "response");
    client.close(code);
    expect(await outcome).toMatchObject({ kind: "aborted", statusCode: 200, headersSent: true });
  });

  it("by a reset after end(), with a large body under way", async () => {
    const { res, client } = await exchange();
    const { outcome, outcomes } = register(res);
    res.end(largeBody);
    await once(client, "response");
    client.close(NGHTTP2_CANCEL);
    expect(await outcome).toMatchObject({ kind: "aborted", statusCode: 200, headersSent: true });
    await turns();
    expect(outcomes).toHaveLength(1);
    expect((await register(res).outcome).kind).toBe("aborted");
  });

  it.each([
    ["the client's session", ({ session }: Exchange) => session.destroy()],
    ["the server's session", ({ serverSession }: Exchange) => serverSession.destroy()],
    ["the response", ({ res }: Exchange) => res.stream.destroy()],
  ])("by the end of %s, with a large body under way", async (_, end) => {
    const open = await exchange();
    const { outcome } = register(open.res);
    open.res.end(largeBody);
    await once(open.client, "response");
    end(open);
    expect((await outcome).kind).toBe("aborted");
  });
});

describe("a stream of HTTP/2 without the compatibility layer", () => {
  async function stream(): Promise<{ stream: http2.ServerHttp2Stream; client: http2.ClientHttp2Stream }> {
    const arrived = new Arrivals<http2.ServerHttp2Stream>();
    const server = http2.createServer();
    server.on("stream", (each) => arrived.push(each));
    const session = http2.connect(`http://127.0.0.1:${await listen(server)}`);
    afterThisTest(() => session.destroy());
    const client = session.request({ ":path": "/" });
    client.on("error", () => {});
    return { stream: await arrived.next(), client };
  }

  it("is completed with the status it was responded with", async () => {
    const { stream: response, client } = await stream();
    const { outcome } = register(response);
    response.respond({ ":status": 202 });
    response.end("accepted");
    client.resume();
    expect(await outcome).toMatchObject({ kind: "completed", statusCode: 202, headersSent: true });
  });

  it("is aborted by a reset", async () => {
    const { stream: response, client } = await stream();
    const { outcome } = register(response);
    client.close(NGHTTP2_CANCEL);
    expect(await outcome).toMatchObject({ kind: "aborted", headersSent: false });
  });
});

it("a hundred registrations on a response of HTTP/2 add one set of listeners", async () => {
  const { res, client } = await exchange();
  const first = register(res);
  const counts = () => ["finish", "close"].map((event) => res.stream.listenerCount(event));
  const withOne = counts();
  const more = Array.from({ length: 99 }, () => register(res));
  expect(counts()).toEqual(withOne);
  res.end();
  client.resume();
  await Promise.all([first, ...more].map((each) => each.outcome));
});
