// The sessions of an HTTP/2 server in a drain, and its clients that speak HTTP/1.
import { EventEmitter, once } from "node:events";
import { connect as connectHttp2, createServer as createHttp2Server, createSecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { describe, expect, it } from "vitest";
import { afterThisTest, connect, listen, RawClient } from "../../support/http.js";
import { certificate, closes, drainOf } from "./held-server.js";

describe("an HTTP/2 server", () => {
  /** A client session and the codes of the GOAWAYs it got. */
  function session(url: string): { client: ReturnType<typeof connectHttp2>; goaways: number[] } {
    const client = connectHttp2(url, { rejectUnauthorized: false });
    afterThisTest(() => client.destroy());
    const goaways: number[] = [];
    client.on("goaway", (code) => goaways.push(code));
    client.on("error", () => {});
    return { client, goaways };
  }

  async function body(stream: Duplex): Promise<string> {
    let text = "";
    for await (const chunk of stream) text += chunk;
    return text;
  }

  it("finishes the streams that are open, sends a GOAWAY, and closes the session", async () => {
    const requests = new EventEmitter();
    const server = createHttp2Server((_req, res) => requests.emit("request", res));
    const drain = drainOf(server);
    const port = await listen(server);
    const { client, goaways } = session(`http://127.0.0.1:${port}`);
    const stream = client.request({ ":path": "/slow?secret" });
    const [res] = await once(requests, "request");
    drain.announce();
    drain.close();
    expect(drain.openRequests()).toMatchObject([{ method: "GET", path: "/slow" }]);
    await once(client, "goaway");
    res.end("done");
    expect(await body(stream)).toBe("done");
    await Promise.all([drain.drained, client.closed || once(client, "close")]);
    expect(goaways[0]).toBe(0);
  });

  it("closes sessions without a stream, and sockets that never said a word", async () => {
    const server = createHttp2Server();
    const drain = drainOf(server);
    const port = await listen(server);
    const { client } = session(`http://127.0.0.1:${port}`);
    await once(client, "remoteSettings");
    const silent = await connect(port);
    drain.announce();
    drain.close();
    await Promise.all([drain.drained, silent.closed, client.closed || once(client, "close")]);
  });

  it("is forced with the count of sessions that had a stream open", async () => {
    const requests = new EventEmitter();
    const server = createHttp2Server(() => requests.emit("request"));
    const drain = drainOf(server);
    const port = await listen(server);
    const [busy, idle] = [session(`http://127.0.0.1:${port}`), session(`http://127.0.0.1:${port}`)];
    await once(idle.client, "remoteSettings");
    busy.client.request({ ":path": "/" }).on("error", () => {});
    await once(requests, "request");
    drain.announce();
    drain.close();
    expect(drain.force()).toBe(1);
    await drain.drained;
  });

  it("with TLS serves HTTP/1 clients their last answer too", async () => {
    const requests = new EventEmitter();
    const server = createSecureServer({ ...certificate, allowHTTP1: true }, (_req, res) =>
      requests.emit("request", res),
    );
    const drain = drainOf(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    afterThisTest(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const { client } = session(`https://127.0.0.1:${port}`);
    const stream = client.request({ ":path": "/2" });
    const [two] = await once(requests, "request");
    const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
    await once(socket, "secureConnect");
    const http1 = new RawClient(socket);
    http1.request("GET", "/1");
    const [one] = await once(requests, "request");
    expect(
      drain
        .openRequests()
        .map((open) => open.path)
        .sort(),
    ).toEqual(["/1", "/2"]);
    drain.announce();
    drain.close();
    one.end("one");
    two.end("two");
    expect(await body(stream)).toBe("two");
    await Promise.all([drain.drained, http1.closed]);
    expect(http1.received).toMatch(closes);
    expect(http1.received).toContain("one");
  });
});
