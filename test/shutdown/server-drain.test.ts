import { channel } from "node:diagnostics_channel";
import { EventEmitter, once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { connect as connectHttp2, createServer as createHttp2Server, createSecureServer } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import net, { type AddressInfo } from "node:net";
import path from "node:path";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { describe, expect, it } from "vitest";
import { silentLogger } from "../../src/base/logger.js";
import { ServerDrain } from "../../src/shutdown/http/server-drain.js";
import { Deadline } from "../../src/shutdown/steps/deadline.js";
import { endUpgraded } from "../../src/shutdown/steps/end-upgraded.js";
import { afterThisTest, connect, listen, RawClient } from "../support/http.js";

const [key, cert] = ["localhost.key", "localhost.crt"].map((file) => {
  return readFileSync(path.join(import.meta.dirname, "fixtures", file));
});

/** A server whose handler waits for the test, and its drain. */
class HeldServer {
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

function drainOf(server: net.Server): ServerDrain {
  const drain = new ServerDrain(server);
  afterThisTest(() => {
    drain.uninstall();
  });
  return drain;
}

/** The heads of the responses in what a client received. */
function heads(client: RawClient): string[] {
  return [...client.received.matchAll(/HTTP\/1\.1 .*?\r\n\r\n/gs)].map(([head]) => head);
}

const closes = /^connection: close\r$/im;

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

  it("that is pipelined is sent, for only the last one says Connection: close", async () => {
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

describe("an upgraded socket", () => {
  const deadline = () => new Deadline(performance.now() + 60_000, 0);
  const upgrade = { Connection: "Upgrade", Upgrade: "test" };

  async function upgraded(): Promise<{ held: HeldServer; client: RawClient }> {
    const held = await HeldServer.start();
    held.server.on("upgrade", (_req, socket: Duplex) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    });
    const client = await connect(held.port);
    client.request("GET", "/socket", upgrade);
    await client.waitFor(/101/);
    return { held, client };
  }

  it("is handed to the user's hook, and ended when that has not closed it", async () => {
    const { held, client } = await upgraded();
    held.drain.announce();
    held.drain.close();
    const hook = (sockets: readonly Duplex[]) => {
      for (const socket of sockets) socket.write("bye");
    };
    await endUpgraded(held.drain, hook, deadline(), silentLogger);
    await Promise.all([held.drain.drained, client.closed]);
    expect(client.received).toMatch(/bye$/);
  });

  it("may close by itself after the hook", async () => {
    const { held, client } = await upgraded();
    client.socket.on("data", () => client.socket.end());
    held.drain.announce();
    held.drain.close();
    const hook = (sockets: readonly Duplex[]) => {
      for (const socket of sockets) socket.on("end", () => socket.end("your close is acknowledged")).write("bye");
    };
    await endUpgraded(held.drain, hook, deadline(), silentLogger);
    await Promise.all([held.drain.drained, client.closed]);
    expect(client.received).toMatch(/acknowledged$/);
  });

  it("is ended at once without a hook, and when the hook throws", async () => {
    const throwing = () => {
      throw new Error("no");
    };
    for (const hook of [undefined, throwing]) {
      const { held, client } = await upgraded();
      held.drain.announce();
      held.drain.close();
      await endUpgraded(held.drain, hook, deadline(), silentLogger);
      await Promise.all([held.drain.drained, client.closed]);
    }
  });

  it("is not made where the user does not listen for upgrades", async () => {
    const held = await HeldServer.start();
    const listener = (_req: IncomingMessage, socket: Duplex) => socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    held.server.on("upgrade", listener);
    const client = await connect(held.port);
    client.request("GET", "/", upgrade);
    await client.waitFor(/101/);
    held.server.off("upgrade", listener);
    expect(held.server.listenerCount("upgrade")).toBe(0);
    const other = await connect(held.port);
    other.request("GET", "/", upgrade);
    (await held.next()).end("as usual");
    await other.waitFor(/as usual/);
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

describe("an HTTPS server", () => {
  const https = (handler: (req: IncomingMessage, res: ServerResponse) => void) => {
    return createHttpsServer({ key, cert }, handler) as unknown as Server;
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

  it("finishes the streams that are open, tells the client to go, and closes the session", async () => {
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
    const server = createSecureServer({ key, cert, allowHTTP1: true }, (_req, res) => requests.emit("request", res));
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
