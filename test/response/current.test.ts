import { channel } from "node:diagnostics_channel";
import { EventEmitter, once } from "node:events";
import { readFile } from "node:fs";
import http, { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import http2 from "node:http2";
import https from "node:https";
import { Duplex, PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setImmediate as immediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fastify from "fastify";
import { beforeAll, describe, expect, it, vi } from "vitest";
import type { ResponseOutcome } from "../../src/core/outcome.js";
import { currentResponse, noResponseError, trackCurrentResponse } from "../../src/response/current.js";
import { watchOf } from "../../src/response/watch.js";
import { afterThisTest, connect, listen } from "../support/http.js";
import { tls } from "../support/tls.js";
import { Arrivals, largeBody, register, turns } from "./observe.js";

beforeAll(trackCurrentResponse);

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

async function serve(handler: Handler): Promise<number> {
  return listen(createServer(handler));
}

/** Whether this is the current response, or what is left of it. */
function isCurrent(response: ServerResponse): boolean {
  const current = currentResponse();
  return current !== undefined && (current === response || current === watchOf(response));
}

/** What `currentResponse()` is at named places of the handling of a request. */
class Places {
  readonly seen = new Map<string, unknown>();
  readonly mark = (place: string): void => {
    this.seen.set(place, currentResponse());
  };

  expectAll(response: unknown, ...places: string[]): void {
    expect([...this.seen.keys()]).toEqual(expect.arrayContaining(places));
    const wrong = places.filter((place) => this.seen.get(place) !== response);
    expect(wrong).toEqual([]);
  }
}

describe("the current response is known", () => {
  it("deep in what a handler calls: after awaits, in timers, in callbacks, in events", async () => {
    const places = new Places();
    let response: ServerResponse | undefined;
    async function service(): Promise<void> {
      await immediate();
      await new Promise((resolve) => setTimeout(resolve, 1));
      places.mark("after awaits");
      await Promise.all([
        new Promise<void>((resolve) =>
          process.nextTick(() => {
            places.mark("nextTick");
            resolve();
          }),
        ),
        new Promise<void>((resolve) =>
          readFile(import.meta.filename, () => {
            places.mark("file callback");
            resolve();
          }),
        ),
        new Promise<void>((resolve) =>
          queueMicrotask(() => {
            places.mark("microtask");
            resolve();
          }),
        ),
      ]);
      const emitter = new EventEmitter();
      emitter.on("event", () => places.mark("event"));
      emitter.emit("event");
    }
    const port = await serve(async (_req, res) => {
      response = res;
      places.mark("handler");
      await service();
      res.end();
    });
    await (await fetch(`http://127.0.0.1:${port}`)).text();
    places.expectAll(response, "handler", "after awaits", "nextTick", "file callback", "microtask", "event");
  });

  it("in the events of a body that comes in several packets, and in what follows from them", async () => {
    const places = new Places();
    const packets = new Arrivals<void>();
    let response: ServerResponse | undefined;
    const port = await serve((req, res) => {
      response = res;
      const through = new PassThrough();
      through.on("data", () => places.mark("piped data"));
      through.on("end", () => places.mark("piped end"));
      req.on("data", (data: Buffer) => {
        places.mark(`data ${data}`);
        packets.push();
      });
      req.on("end", () => {
        places.mark("end");
        setTimeout(() => {
          places.mark("timer from end");
          res.end("done");
        }, 1);
      });
      req.pipe(through);
      packets.push();
    });
    const client = await connect(port);
    client.request("POST", "/", { "Content-Length": "2" });
    await packets.next();
    client.socket.write("a");
    await packets.next();
    client.socket.write("b");
    await client.waitFor(/done/);
    places.expectAll(response, "data a", "data b", "end", "timer from end", "piped data", "piped end");
  });

  it("in a loop over a body, and after a pipeline", async () => {
    const places = new Places();
    const packets = new Arrivals<void>();
    let response: ServerResponse | undefined;
    const port = await serve(async (req, res) => {
      response = res;
      packets.push();
      for await (const data of req) {
        places.mark(`data ${data}`);
        packets.push();
      }
      places.mark("after the loop");
      await pipeline(["x"], new PassThrough(), async (source) => {
        for await (const _ of source) places.mark("in the pipeline");
      });
      places.mark("after the pipeline");
      res.end("done");
    });
    const client = await connect(port);
    client.request("POST", "/", { "Content-Length": "2" });
    for (const packet of ["a", "b"]) {
      await packets.next();
      client.socket.write(packet);
    }
    await client.waitFor(/done/);
    places.expectAll(response, "data a", "data b", "after the loop", "in the pipeline", "after the pipeline");
  });

  it("in the events of the response, also when the client pauses and when it is gone", async () => {
    const places = new Places();
    const handled = new Arrivals<ServerResponse>();
    const port = await serve((_req, res) => {
      res.on("drain", () => {
        places.mark("drain");
        res.write(largeBody);
        handled.push(res);
      });
      res.on("close", () => {
        places.mark("close");
        handled.push(res);
      });
      res.write(largeBody);
      handled.push(res);
    });
    const client = await connect(port);
    client.request("GET", "/");
    const response = await handled.next();
    await handled.next();
    places.expectAll(response, "drain");
    client.pause();
    await client.reset();
    await handled.next();
    // By now the response is over, and what is left of it is another object.
    expect((await register(currentOf(places.seen.get("close"))).outcome).kind).toBe("aborted");
  });

  it("in the events of a request and a response whose connection is silent for too long", async () => {
    const places = new Places();
    const timedOut = new Arrivals<ServerResponse>();
    const server = createServer((req, res) => {
      req.on("timeout", () => places.mark("timeout of the request"));
      res.on("timeout", () => {
        places.mark("timeout of the response");
        timedOut.push(res);
      });
    });
    server.timeout = 20;
    const client = await connect(await listen(server));
    client.request("POST", "/", { "Content-Length": "2" }, "a");
    places.expectAll(await timedOut.next(), "timeout of the request", "timeout of the response");
  });

  it("in the events of a request whose client is gone", async () => {
    const names = ["aborted", "error", "close"];
    const seen = new Map<string, boolean>();
    const arrived = new Arrivals<void>();
    const port = await serve((req, res) => {
      for (const name of names) {
        req.on(name, () => {
          seen.set(name, isCurrent(res));
          if (name === "close") arrived.push();
        });
      }
      arrived.push();
    });
    const client = await connect(port);
    client.request("POST", "/", { "Content-Length": "2" }, "a");
    await arrived.next();
    await client.reset();
    await arrived.next();
    expect(Object.fromEntries(seen)).toEqual({ aborted: true, error: true, close: true });
  });

  it("over TLS, in all of these events", async () => {
    const places = new Places();
    const ended = new Arrivals<ServerResponse>();
    const server = https.createServer(tls, (req, res) => {
      req.on("data", () => places.mark("data"));
      req.on("end", () => {
        places.mark("end");
        res.on("drain", () => {
          places.mark("drain");
          res.end();
        });
        res.on("close", () => ended.push(res));
        res.write(largeBody);
      });
    });
    const port = await listen(server);
    const request = https.request({ port, host: "127.0.0.1", method: "POST", rejectUnauthorized: false, agent: false });
    request.write("a");
    setImmediate(() => request.end("b"));
    const [answer] = await once(request, "response");
    answer.resume();
    places.expectAll(await ended.next(), "data", "end", "drain");
  });

  it("on a connection that is no socket, whose writes end in another context", async () => {
    const seen = new Arrivals<[string, boolean]>();
    const server = createServer((_req, res) => {
      for (const name of ["finish", "close"]) res.on(name, () => seen.push([name, isCurrent(res)]));
      res.end("answered");
    });
    // As a tunnel does, whose carrier says when a packet is sent.
    const sent = new EventEmitter();
    const connection = new Duplex({
      read() {},
      write(_packet, _encoding, done) {
        sent.once("sent", () => done());
      },
    });
    const carrier = setInterval(() => sent.emit("sent"), 1);
    afterThisTest(() => clearInterval(carrier));
    server.emit("connection", connection);
    connection.push("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
    for (const name of ["finish", "close"]) expect(await seen.next()).toEqual([name, true]);
  });

  it("in the events of a request without a body, read or not, and answered at once or later", async () => {
    const wrong: string[] = [];
    const over = new Arrivals<void>();
    const port = await serve((req, res) => {
      const names = req.url === "/readable" ? ["readable", "end", "close"] : ["end", "close"];
      for (const name of names) {
        req.on(name, () => {
          if (!isCurrent(res)) wrong.push(`${name} of ${req.url}`);
          if (name === "readable") req.read();
          if (name === "close") over.push();
        });
      }
      if (req.url === "/later") setImmediate(() => res.end());
      else res.end();
    });
    for (const path of ["/readable", "/at-once", "/later"]) {
      await fetch(`http://127.0.0.1:${port}${path}`);
      await over.next();
    }
    expect(wrong).toEqual([]);
  });

  it("in the end of a request that is answered before its body has come", async () => {
    const answered = new Arrivals<void>();
    const ends = new Arrivals<unknown>();
    let over: unknown;
    const port = await serve((req, res) => {
      req.once("end", () => ends.push(currentResponse()));
      res.once("close", () => {
        over = currentResponse();
        answered.push();
      });
      res.end("early");
    });
    const client = await connect(port);
    client.request("POST", "/", { "Content-Length": "2" });
    await answered.next();
    client.socket.write("ab");
    const left = await ends.next();
    expect(left).toBeDefined();
    expect(left).toBe(over);
  });

  it("in an `emit` that somebody else has put around Node's, which sees every event", async () => {
    const seen = new Arrivals<[string, boolean]>();
    const emit = http.ServerResponse.prototype.emit;
    // In the prototype, as tracers do. It is there before the request begins.
    http.ServerResponse.prototype.emit = function (this: ServerResponse, name: string, ...rest: unknown[]) {
      seen.push([name, currentResponse() !== undefined]);
      return emit.call(this, name, ...rest);
    } as typeof emit;
    afterThisTest(() => Reflect.deleteProperty(http.ServerResponse.prototype, "emit"));
    const port = await serve((_req, res) => res.end("answered"));
    await (await fetch(`http://127.0.0.1:${port}`)).text();
    // Nobody listens to the first two.
    for (const name of ["socket", "prefinish", "finish", "close"]) expect(await seen.next()).toEqual([name, true]);
  });

  it("as what is left of it after the end, which whenOver() takes", async () => {
    const after = new Arrivals<unknown>();
    const port = await serve((_req, res) => {
      res.statusCode = 404;
      res.on("finish", () => after.push(currentResponse()));
      res.on("close", () => setTimeout(() => after.push(currentResponse()), 1));
      res.end("gone");
    });
    await (await fetch(`http://127.0.0.1:${port}`)).text();
    for (const left of [await after.next(), await after.next()]) {
      const { outcome, outcomes } = register(currentOf(left));
      expect(outcomes).toEqual([]);
      expect(await outcome).toMatchObject({ kind: "completed", statusCode: 404, headersSent: true });
    }
  });

  it("in a handler of Fastify that runs by inject(), where nothing announces the request", async () => {
    const app = fastify();
    const seen: unknown[] = [];
    app.get("/", async (_request, reply) => {
      await immediate();
      seen.push(currentResponse() === reply.raw);
      return "hello";
    });
    await app.inject("/");
    expect(seen).toEqual([true]);
  });
});

describe("the current response is never another request's", () => {
  it("on a keep-alive connection, one request after the other", async () => {
    const right = new Arrivals<boolean>();
    const port = await serve((req, res) => {
      const at = [currentResponse() === res];
      req.on("data", () => at.push(currentResponse() === res));
      req.on("end", () => {
        at.push(currentResponse() === res);
        setTimeout(() => {
          at.push(currentResponse() === res);
          res.end(`answer to ${req.url}.`);
          right.push(at.every(Boolean));
        }, 1);
      });
    });
    const client = await connect(port);
    for (let request = 1; request <= 50; request++) {
      client.request("POST", `/${request}`, { "Content-Length": "4" }, "ab");
      client.socket.write("cd");
      expect(await right.next()).toBe(true);
      await client.waitFor(new RegExp(`answer to /${request}\\.`));
    }
  });

  it("on a pipelined connection, whatever is interleaved", async () => {
    const right = new Arrivals<boolean>();
    const port = await serve(async (req, res) => {
      const at = [currentResponse() === res];
      req.on("data", () => at.push(currentResponse() === res));
      req.on("end", () => at.push(currentResponse() === res));
      // Those that come first take longest, so the later ones handle their bodies in between.
      for (let turn = 10; turn > Number(req.url?.slice(1)); turn--) {
        await immediate();
        at.push(currentResponse() === res);
      }
      if (!req.complete) await once(req, "end");
      at.push(currentResponse() === res);
      res.end(`answer to ${req.url}.`);
      right.push(at.every(Boolean));
    });
    const client = await connect(port);
    for (let request = 0; request < 10; request++)
      client.request("POST", `/${request}`, { "Content-Length": "2" }, "ab");
    for (let request = 0; request < 10; request++) expect(await right.next()).toBe(true);
    await client.waitFor(/answer to \/9\./);
  });

  it("in the events of a response that the code of another request ends, or code outside of any", async () => {
    const wrong: string[] = [];
    const ended = new Arrivals<string | undefined>();
    const waiters: ServerResponse[] = [];
    const arrived = new Arrivals<void>();
    const endAll = (): void => {
      for (const res of waiters.splice(0)) res.end("answered");
    };
    const port = await serve((req, res) => {
      for (const name of ["prefinish", "finish", "close"]) {
        res.on(name, () => void (isCurrent(res) || wrong.push(`${name} of ${req.url}`)));
      }
      res.once("close", () => ended.push(req.url));
      waiters.push(res);
      arrived.push();
      if (req.url === "/last") endAll();
    });
    const answers = ["/first", "/last"].map((path) => fetch(`http://127.0.0.1:${port}${path}`));
    await ended.next();
    await ended.next();
    await Promise.all(answers);
    answers.push(fetch(`http://127.0.0.1:${port}/alone`));
    for (let request = 0; request < 3; request++) await arrived.next();
    endAll();
    expect(await ended.next()).toBe("/alone");
    await Promise.all(answers);
    expect(wrong).toEqual([]);
  });

  it("in the code that ends the response of another request, and in what follows from it", async () => {
    const waiters: ServerResponse[] = [];
    const places = new Places();
    const over = new Arrivals<void>();
    const port = await serve((_req, res) => {
      const other = waiters.pop();
      if (other === undefined) {
        res.once("finish", () => over.push());
        waiters.push(res);
        return;
      }
      other.end("answered");
      places.mark("the next line");
      process.nextTick(() => places.mark("a tick"));
      void Promise.resolve().then(() => places.mark("a microtask"));
      setImmediate(() => {
        places.mark("the next turn");
        res.end("last");
        places.expectAll(res, "the next line", "a tick", "a microtask", "the next turn");
        over.push();
      });
    });
    const first = fetch(`http://127.0.0.1:${port}/first`);
    await vi.waitUntil(() => waiters.length === 1);
    await Promise.all([first, fetch(`http://127.0.0.1:${port}/last`)]);
    await over.next();
    await over.next();
  });

  it("in a listener of `finish` before Node's own, when the code of another request ends the response", async () => {
    const wrong: string[] = [];
    const over = new Arrivals<void>();
    const waiters: ServerResponse[] = [];
    const port = await serve((_req, res) => {
      res.prependListener("finish", () => {
        if (!isCurrent(res)) wrong.push("finish");
        over.push();
      });
      waiters.push(res);
      if (waiters.length === 2) for (const waiter of waiters) waiter.end();
    });
    await Promise.all([fetch(`http://127.0.0.1:${port}/`), fetch(`http://127.0.0.1:${port}/`)]);
    await over.next();
    await over.next();
    expect(wrong).toEqual([]);
  });

  it("in the events of a response to which the code of another request writes, or which it destroys", async () => {
    const wrong: string[] = [];
    const names = ["drain", "aborted", "error", "close"];
    const seen = new Arrivals<string>();
    const others: ServerResponse[] = [];
    const port = await serve((req, res) => {
      if (req.url === "/stream") {
        for (const [of, emitter] of [["request", req] as const, ["response", res] as const]) {
          for (const name of names) {
            emitter.on(name, () => {
              if (!isCurrent(res)) wrong.push(`${name} of the ${of}`);
              seen.push(`${name} of the ${of}`);
            });
          }
        }
        others.push(res);
        res.flushHeaders();
        return;
      }
      for (const other of others) {
        if (req.url === "/write") other.write(largeBody);
        else other.destroy();
      }
      res.end();
    });
    const stream = await connect(port);
    stream.request("POST", "/stream", { "Content-Length": "2" }, "a");
    await vi.waitUntil(() => others.length === 1);
    await fetch(`http://127.0.0.1:${port}/write`);
    expect(await seen.next()).toBe("drain of the response");
    await fetch(`http://127.0.0.1:${port}/destroy`);
    const rest = [await seen.next(), await seen.next(), await seen.next(), await seen.next()];
    expect(rest.toSorted()).toEqual([
      "aborted of the request",
      "close of the request",
      "close of the response",
      "error of the request",
    ]);
    expect(wrong).toEqual([]);
  });

  it("on a pipelined connection, in the events of the responses", async () => {
    const wrong: string[] = [];
    const ended = new Arrivals<string | undefined>();
    const responses: ServerResponse[] = [];
    const port = await serve((req, res) => {
      const number = responses.push(res);
      for (const name of ["socket", "drain", "prefinish", "finish", "close"]) {
        res.on(name, () => {
          if (!isCurrent(res)) wrong.push(`${name} of ${number}`);
        });
      }
      res.once("close", () => ended.push(req.url));
      if (number < 3) return;
      // The last one writes first: that it waits for its turn shows in the events of the first one.
      for (const each of [...responses].reverse()) each.write(largeBody.subarray(0, 100_000));
      for (const each of [...responses].reverse()) each.end();
    });
    const client = await connect(port);
    for (const path of ["/1", "/2", "/3"]) client.request("GET", path);
    for (const path of ["/1", "/2", "/3"]) expect(await ended.next()).toBe(path);
    expect(wrong).toEqual([]);
  });

  it("when a handler asks another server of the same process", async () => {
    const seen = new Arrivals<boolean>();
    const inner = await serve((_req, res) => {
      seen.push(currentResponse() === res);
      res.end("inner");
    });
    const outer = await serve((_req, res) => {
      http.get({ port: inner, host: "127.0.0.1", agent: false }, (answer) => {
        seen.push(currentResponse() === res);
        answer.resume();
        answer.on("end", () => {
          seen.push(currentResponse() === res);
          res.end("outer");
        });
      });
    });
    await (await fetch(`http://127.0.0.1:${outer}`)).text();
    expect([await seen.next(), await seen.next(), await seen.next()]).toEqual([true, true, true]);
  });

  it("nor is there one outside of requests: before, after, on connections and upgrades", async () => {
    const outside: unknown[] = [];
    const mark = (): unknown => outside.push(currentResponse());
    const events = new Arrivals<void>();
    const timer = setInterval(mark, 1);
    const server = createServer((_req, res) => res.end("answered"));
    const note = (): void => {
      mark();
      events.push();
    };
    server.on("connection", (socket) => {
      mark();
      socket.once("close", note);
    });
    server.on("upgrade", (_req, socket) => {
      note();
      socket.on("data", note);
      socket.on("error", mark);
      socket.write("upgraded");
    });
    const port = await listen(server);
    mark();
    const client = await connect(port);
    client.request("GET", "/");
    await client.waitFor(/answered/);
    client.request("GET", "/", { Connection: "upgrade", Upgrade: "raw" });
    await client.waitFor(/upgraded/);
    client.socket.write("hello");
    await events.next();
    await events.next();
    await client.reset();
    await events.next();
    clearInterval(timer);
    expect(outside.length).toBeGreaterThan(5);
    expect(new Set(outside)).toEqual(new Set([undefined]));
  });
});

it("a response tells of its end whatever listeners are taken from it and its connection, and without its request", async () => {
  const over = new Arrivals<ResponseOutcome>();
  const port = await serve((req, res) => {
    watchOf(res).add(({ outcome }) => over.push(outcome));
    if (req.url === "/no-request") Object.assign(res, { req: null });
    if (req.url === "/no-finish") res.removeAllListeners("finish");
    if (req.url === "/no-listeners") {
      res.removeAllListeners();
      res.socket?.removeAllListeners();
    }
    res.end("answered");
  });
  for (const path of ["/no-request", "/no-finish", "/no-listeners"]) {
    const client = await connect(port);
    client.request("GET", path);
    expect({ path, kind: (await over.next()).kind }).toEqual({ path, kind: "completed" });
    await client.reset();
  }
});

it("tracking twice tracks once", () => {
  // Not Node's public face, but its public face does not count.
  const start = channel("http.server.request.start") as unknown as { _subscribers: unknown[] };
  const before = start._subscribers.length;
  expect(before).toBeGreaterThan(0);
  trackCurrentResponse();
  expect(start._subscribers).toHaveLength(before);
});

it("two copies of the library in one process each know the response", async () => {
  vi.resetModules();
  const copy = await import("../../src/response/current.js");
  const { whenOver } = await import("../../src/response/over.js");
  expect(copy.currentResponse).not.toBe(currentResponse);
  copy.trackCurrentResponse();
  const seen: boolean[] = [];
  const packets = new Arrivals<void>();
  const ended = new Arrivals<string>();
  const port = await serve((req, res) => {
    packets.push();
    whenOver(res, ({ outcome }) => ended.push(outcome.kind));
    req.on("data", () => {
      seen.push(currentResponse() === res, copy.currentResponse() === res);
      packets.push();
    });
    req.on("end", () => res.end("done"));
    void register(res).outcome.then(({ kind }) => ended.push(kind));
  });
  const client = await connect(port);
  client.request("POST", "/", { "Content-Length": "2" });
  for (const packet of ["a", "b"]) {
    await packets.next();
    client.socket.write(packet);
  }
  await client.waitFor(/done/);
  expect(seen).toEqual([true, true, true, true]);
  expect([await ended.next(), await ended.next()]).toEqual(["completed", "completed"]);
});

it("the duration of a tracked response counts from the start of its request", async () => {
  const handled = new Arrivals<() => Promise<{ durationMs: number }>>();
  const port = await serve((_req, res) => {
    const start = performance.now();
    while (performance.now() < start + 20);
    const { outcome } = register(res);
    handled.push(() => outcome);
    res.end();
  });
  await (await fetch(`http://127.0.0.1:${port}`)).text();
  expect((await (await handled.next())()).durationMs).toBeGreaterThanOrEqual(20);
});

it("the outcome of a tracked response that nobody waited for is that of its end, whenever it is asked for", async () => {
  const closed = new Arrivals<unknown>();
  const port = await serve((_req, res) => {
    res.statusCode = 201;
    res.on("close", () => closed.push(currentResponse()));
    res.end("created");
  });
  const before = Date.now();
  await (await fetch(`http://127.0.0.1:${port}`)).text();
  const left = currentOf(await closed.next());
  const after = Date.now();
  const start = performance.now();
  while (performance.now() < start + 50);
  const outcome = await register(left).outcome;
  expect(outcome).toMatchObject({ kind: "completed", statusCode: 201, headersSent: true, error: undefined });
  expect(outcome.endedAt).toBeGreaterThanOrEqual(before);
  // The clock of the day and the monotonic one tick apart.
  expect(outcome.endedAt).toBeLessThanOrEqual(after + 2);
  expect(outcome.durationMs).toBeLessThanOrEqual(after - before + 2);
  expect(outcome.endedAt - outcome.startedAt).toBeCloseTo(outcome.durationMs, 3);
});

describe("a response that is over can be collected", () => {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;

  it.each(["idle keep-alive connections", "a timer and a socket made in its request"])(
    "in spite of %s",
    async (keeper) => {
      const refs: WeakRef<ServerResponse>[] = [];
      const kept: unknown[] = [];
      const port = await serve((_req, res) => {
        refs.push(new WeakRef(res));
        void register(res);
        if (keeper.startsWith("a timer")) {
          const timer = setInterval(() => {}, 1000).unref();
          kept.push(timer, new Promise(() => {}));
        }
        res.end("answered");
      });
      for (let connection = 0; connection < 20; connection++) {
        const client = await connect(port);
        client.request("GET", "/");
        await client.waitFor(/answered/);
      }
      await turns();
      gc();
      await turns();
      gc();
      expect(refs).toHaveLength(20);
      // Node itself may hold the last one or two for a while.
      expect(refs.filter((ref) => ref.deref() !== undefined).length).toBeLessThan(3);
      for (const each of kept) clearInterval(each as NodeJS.Timeout);
    },
  );
});

// On Node 20 nothing announces a request of HTTP/2.
const announcesHttp2 = Number(process.versions.node.split(".")[0]) >= 22;

describe.runIf(announcesHttp2)("the current response of HTTP/2", () => {
  async function open(server: http2.Http2Server): Promise<http2.ClientHttp2Session> {
    const session = http2.connect(`http://127.0.0.1:${await listen(server)}`);
    session.on("error", () => {});
    afterThisTest(() => session.destroy());
    return session;
  }

  it("is the stream, in the handler, after awaits, and in the events of a body in several packets", async () => {
    const places = new Places();
    const packets = new Arrivals<void>();
    let stream: http2.ServerHttp2Stream | undefined;
    const server = http2.createServer(async (req, res) => {
      stream = res.stream;
      places.mark("handler");
      req.on("data", (data: Buffer) => {
        places.mark(`data ${data}`);
        packets.push();
      });
      req.on("end", () => {
        places.mark("end");
        setTimeout(() => {
          places.mark("timer from end");
          res.end();
        }, 1);
      });
      await immediate();
      places.mark("after awaits");
      packets.push();
    });
    const request = (await open(server)).request({ ":method": "POST", ":path": "/" });
    for (const packet of ["a", "b"]) {
      await packets.next();
      request.write(packet);
    }
    await packets.next();
    request.end();
    request.resume();
    await once(request, "close");
    places.expectAll(stream, "handler", "after awaits", "data a", "data b", "end", "timer from end");
  });

  it("is each request's own on one session, and stays so in a handler that pushes", async () => {
    const right = new Arrivals<boolean>();
    const server = http2.createServer(async (_req, res) => {
      const at = [currentResponse() === res.stream];
      res.createPushResponse({ ":path": "/pushed" }, (error, pushed) => {
        if (!error) pushed.end("pushed");
      });
      at.push(currentResponse() === res.stream);
      await immediate();
      at.push(currentResponse() === res.stream);
      res.end();
      right.push(at.every(Boolean));
    });
    const session = await open(server);
    for (let request = 0; request < 20; request++) session.request({ ":path": `/${request}` }).resume();
    for (let request = 0; request < 20; request++) expect(await right.next()).toBe(true);
  });

  it("and the compatibility object are one response to whenOver(), with the status that was not sent", async () => {
    const outcomes = new Arrivals<Promise<ResponseOutcome>[]>();
    const server = http2.createServer((_req, res) => {
      const found = register(currentOf(currentResponse())).outcome;
      res.statusCode = 500;
      outcomes.push([found, register(res).outcome]);
    });
    const request = (await open(server)).request({ ":path": "/" });
    request.on("error", () => {});
    const [found, given] = await outcomes.next();
    request.close(http2.constants.NGHTTP2_CANCEL);
    expect(await found).toMatchObject({ kind: "aborted", statusCode: 500, headersSent: false });
    expect(await given).toBe(await found);
  });

  it("is held open by a HEAD request like any other, whose body is finished from the start", async () => {
    const order: string[] = [];
    const outcomes = new Arrivals<ResponseOutcome>();
    const server = http2.createServer(async (_req, res) => {
      void register(currentOf(currentResponse())).outcome.then((outcome) => {
        order.push("over");
        outcomes.push(outcome);
      });
      await turns();
      order.push("end");
      res.writeHead(404).end();
    });
    (await open(server)).request({ ":method": "HEAD", ":path": "/" }).resume();
    expect(await outcomes.next()).toMatchObject({ kind: "completed", statusCode: 404, headersSent: true });
    expect(order).toEqual(["end", "over"]);
  });

  it("is left as its outcome after the end", async () => {
    const after = new Arrivals<unknown>();
    const server = http2.createServer((_req, res) => {
      res.writeHead(404).end();
      res.on("close", () => setTimeout(() => after.push(currentResponse()), 1));
    });
    (await open(server)).request({ ":path": "/" }).resume();
    const left = await after.next();
    expect(await register(currentOf(left)).outcome).toMatchObject({ kind: "completed", statusCode: 404 });
  });
});

it("the error for a call without a response says what to do", () => {
  const error = noResponseError("offloadAfterResponse()");
  expect(error.code).toBe("AR_NO_RESPONSE");
  expect(error.message).toMatch(/^offloadAfterResponse\(\) was given no response/);
  expect(error.message).toMatch(/Pass the response.*offload\(\) or run\(\).*Node 20/);
});

function currentOf(value: unknown): NonNullable<ReturnType<typeof currentResponse>> {
  if (value === undefined) throw new Error("there was no current response");
  return value as NonNullable<ReturnType<typeof currentResponse>>;
}
