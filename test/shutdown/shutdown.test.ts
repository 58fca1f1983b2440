// The shutdown of this very process, which lives on: `exit` is false or a function. See test/scenarios for those that end.
import { channel } from "node:diagnostics_channel";
import { once } from "node:events";
import { createServer, get } from "node:http";
import { createServer as createHttp2Server, createSecureServer } from "node:http2";
import { createServer as createHttpsServer, get as getHttps } from "node:https";
import { type AddressInfo, createServer as createNetServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { type Shutdown, type ShutdownOptions, shutdownOnSignals } from "../../src/shutdown/shutdown.js";
import { afterThisTest, listen } from "../support/http.js";
import { FakeTarget } from "./fake-target.js";
import { certificate } from "./http/held-server.js";

/** With a platform that is not this machine's. */
function install(
  target: FakeTarget,
  options: ShutdownOptions = {},
  server?: ReturnType<typeof createServer>,
): Shutdown {
  const shutdown = shutdownOnSignals(target, server, { exit: false, platformGrace: 600_000, ...options });
  afterThisTest(() => shutdown.uninstall());
  return shutdown;
}

describe("a shutdown", () => {
  it("goes through its states in their order, and tells onStep", async () => {
    const target = new FakeTarget();
    target.start("a");
    const steps: string[] = [];
    const shutdown = install(target, {
      onStep({ state, reason, unfinished }) {
        steps.push(`${state} ${unfinished}`);
        expect(state).toBe(shutdown.state);
        expect(reason).toBe("a test");
        if (state === "draining") target.end("a");
      },
    });
    expect(shutdown.state).toBe("serving");
    const report = await shutdown.close("a test");
    expect(steps).toEqual(["leaving 1", "closing 1", "draining 1", "ending 0", "ended 0"]);
    expect(report).toEqual({
      reason: "a test",
      exitCode: 0,
      completed: 1,
      failed: 0,
      abandoned: [],
      journaled: 0,
      forcedSockets: 0,
      failedHooks: [],
      durationMs: expect.any(Number),
    });
    expect(await shutdown.done).toBe(report);
  });

  it("goes on when onStep throws", async () => {
    const target = new FakeTarget();
    const shutdown = install(target, {
      onStep: () => {
        throw new Error("no");
      },
    });
    expect((await shutdown.close()).exitCode).toBe(0);
    expect(target.lines).toContain("error: shutdown: onStep failed");
  });

  it("calls exit with the code when everything else is over", async () => {
    const target = new FakeTarget();
    target.start("a");
    const codes: number[] = [];
    const shutdown = install(target, { timeout: 100, exit: (code) => codes.push(code) });
    await shutdown.close();
    await new Promise(setImmediate);
    expect(codes).toEqual([1]);
    expect(shutdown.state).toBe("ended");
  });

  it("begins with a signal, and can be followed by another one in the same process", async () => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const shutdown = install(new FakeTarget());
      process.emit(signal);
      expect(shutdown.state).toBe("leaving");
      expect((await shutdown.done).reason).toBe(signal);
      expect(process.listenerCount(signal)).toBe(0);
    }
  });

  it("has the shortest timeout and the longest delay of those who take part", async () => {
    const [one, two] = [new FakeTarget(), new FakeTarget()];
    one.start("a");
    const first = install(one, { timeout: 60_000, drainDelay: 50 });
    const second = install(two, { timeout: 200 });
    const report = await first.close();
    expect(report.durationMs).toBeGreaterThanOrEqual(50);
    expect(report.durationMs).toBeLessThan(1_000);
    expect(report.abandoned.map(({ id }) => id)).toEqual(["a"]);
    expect(await second.done).toBe(report);
    expect(second.state).toBe("ended");
  });

  it("waits until all who take part are idle, because a task of one may dispatch to another", async () => {
    const [one, two] = [new FakeTarget(), new FakeTarget()];
    one.start("a");
    const shutdown = install(one, {
      onStep({ state }) {
        if (state !== "draining") return;
        // Two has been idle all the time.
        setTimeout(() => {
          two.start("b");
          one.end("a");
          setTimeout(() => two.end("b"), 20);
        }, 20);
      },
    });
    install(two);
    expect(await shutdown.close()).toMatchObject({ completed: 2, abandoned: [] });
    expect(two.calls).toEqual(["announceDraining", "announceDraining", "refuse", "endThreads(time)"]);
  });

  it("includes who joins when it has begun", async () => {
    const late = new FakeTarget();
    late.start("a");
    const shutdown = install(new FakeTarget(), {
      onStep({ state }) {
        if (state === "leaving") {
          install(late);
          setTimeout(() => late.end("a"), 20);
        }
      },
    });
    expect(await shutdown.close()).toMatchObject({ completed: 1, abandoned: [] });
    expect(late.calls).toContain("endThreads(time)");
  });

  it("closes several servers, listening or not, and what carries one", async () => {
    const [one, two, silent] = [createServer(), createServer(), createServer()];
    await Promise.all([listen(one), listen(two)]);
    const shutdown = shutdownOnSignals(new FakeTarget(), [one, { server: two }, silent], {
      exit: false,
      platformGrace: 600_000,
    });
    await shutdown.close();
    expect([one, two, silent].map(({ listening }) => listening)).toEqual([false, false, false]);
  });

  it("warns once of a plan that does not fit", () => {
    const target = new FakeTarget();
    install(target, { timeout: 10_000, platformGrace: 5_000 });
    install(target, { timeout: 10_000, platformGrace: 5_000 });
    expect(target.lines.filter((line) => line.startsWith("warn: a shutdown may take 10000 ms"))).toHaveLength(1);
  });
});

describe("without a server given", () => {
  const answered = async (port: number, path = "/"): Promise<number> => {
    return (await fetch(`http://127.0.0.1:${port}${path}`)).status;
  };

  it.each([
    { name: "node:http", create: () => createServer() },
    { name: "node:https", create: () => createHttpsServer(certificate) },
    { name: "node:http2", create: () => createHttp2Server() },
    { name: "node:http2 with TLS", create: () => createSecureServer(certificate) },
  ])("a server of $name that listens is found before any request, drains, and is named", async ({ create }) => {
    const before = create();
    const target = new FakeTarget();
    const ports = [await listen(before)];
    const shutdown = install(target);
    const after = create();
    ports.push(await listen(after));
    await shutdown.close();
    expect([before, after].map(({ listening }) => listening)).toEqual([false, false]);
    const where = ports.map((port) => `port ${port}`).join(", ");
    expect(target.lines).toContain(
      `info: shutdown closing: no new connections on ${where} (found, because no server was given); waiting for 0 tasks`,
    );
  });

  it("a server that keeps no process alive is found by its first connection, and one that does not listen by its first request", async () => {
    const unreferenced = createServer((_req, res) => res.end("done"));
    const port = await listen(unreferenced);
    unreferenced.unref();
    const behind = createServer((_req, res) => res.end("done"));
    const front = createNetServer((socket) => behind.emit("connection", socket));
    const frontPort = await listen(front);
    const target = new FakeTarget();
    const shutdown = install(target);
    expect([await answered(port), await answered(frontPort)]).toEqual([200, 200]);
    await shutdown.close();
    expect(unreferenced.listening).toBe(false);
    expect(target.lines).toContain(
      `info: shutdown closing: no new connections on port ${port}, a closed port (found, because no server was given); waiting for 0 tasks`,
    );
  });

  it.each([
    { name: "node:http", create: createServer, url: "http" },
    { name: "node:https", create: createHttpsServer.bind(undefined, certificate), url: "https" },
  ])(
    "a server of $name that no longer listens is found by its clients, whose answers are not cut off",
    async ({ create, url }) => {
      const server: Server = create((_req, res) => setTimeout(() => res.end("done"), 300));
      const port = await listen(server);
      const open = new Promise<string>((resolve, reject) => {
        const ask = url === "http" ? get : getHttps;
        ask({ port, host: "127.0.0.1", rejectUnauthorized: false, agent: false }, (res) => {
          res.setEncoding("utf8").on("data", resolve);
        }).on("error", reject);
      });
      await once(server, "request");
      server.close();
      const target = new FakeTarget();
      const report = await install(target).close();
      expect(report.forcedSockets).toBe(0);
      expect(report.durationMs).toBeGreaterThan(100);
      expect(await open).toBe("done");
      expect(target.lines).toContainEqual(expect.stringContaining("no new connections on a closed port (found"));
    },
  );

  it("a server that has closed is let go, and is found again when it listens again", async () => {
    const target = new FakeTarget();
    const shutdown = install(target);
    const server = createServer();
    const listeners = () => server.eventNames().map((name) => `${String(name)} ${server.listenerCount(name)}`);
    afterThisTest(() => void server.close());
    const before = listeners();
    await once(server.listen(0, "127.0.0.1"), "listening");
    expect(listeners()).not.toEqual(before);
    await once(server.close(), "close");
    expect(listeners()).toEqual(before);
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    await shutdown.close();
    expect(server.listening).toBe(false);
    expect(target.lines).toContain(
      `info: shutdown closing: no new connections on port ${port} (found, because no server was given); waiting for 0 tasks`,
    );
  });

  it("a server that its framework closes first is still named by its port", async () => {
    const target = new FakeTarget();
    const server = createServer();
    const shutdown = install(target, { onStep: ({ state }) => state === "leaving" && server.close() });
    const port = await listen(server);
    await shutdown.close();
    expect(target.lines).toContainEqual(expect.stringContaining(`no new connections on port ${port} (found`));
  });

  it("a server stays found when the one that found it leaves", async () => {
    const [one, two] = [install(new FakeTarget()), install(new FakeTarget())];
    const server = createServer();
    await listen(server);
    one.uninstall();
    await two.close();
    expect(server.listening).toBe(false);
  });

  it("lets the request finish that is open, and the one by which it was found", async () => {
    const shutdown = install(new FakeTarget());
    const server = createServer((_req, res) => setTimeout(() => res.end("done"), 300));
    const port = await listen(server);
    const open = answered(port);
    await once(server, "request");
    const report = await shutdown.close();
    expect(await open).toBe(200);
    expect(report.forcedSockets).toBe(0);
    expect(report.durationMs).toBeGreaterThan(100);
  });

  it("one that is found in the middle of the shutdown is closed then", async () => {
    const server = createServer();
    const target = new FakeTarget();
    target.start("a");
    const shutdown = install(target, {
      async onStep({ state }) {
        if (state !== "draining") return;
        // It is closed before it can say that it listens.
        server.listen(0, "127.0.0.1");
        await once(server, "close");
        target.end("a");
      },
    });
    expect((await shutdown.close()).exitCode).toBe(0);
    expect(server.listening).toBe(false);
  });

  it("one that is given later is no longer a found one", async () => {
    const [one, two] = [new FakeTarget(), new FakeTarget()];
    const shutdown = install(one);
    const server = createServer((_req, res) => res.end("done"));
    expect(await answered(await listen(server))).toBe(200);
    install(two, {}, server);
    await shutdown.close();
    expect(server.listening).toBe(false);
    expect(one.lines).toContain("info: shutdown closing: no new connections; waiting for 0 tasks");
  });

  it.each([
    { found: true, least: 150, most: 5_000 },
    { found: false, least: 0, most: 150 },
  ])("the drain delay of Kubernetes is kept for a server that was found: $found", async ({ found, least, most }) => {
    vi.stubEnv("KUBERNETES_SERVICE_HOST", "10.0.0.1");
    const shutdown = install(new FakeTarget(), { timeout: 1_000 });
    vi.unstubAllEnvs();
    const server = createServer((_req, res) => res.writeHead(200, { Connection: "close" }).end());
    if (found) await listen(server);
    const { durationMs } = await shutdown.close();
    expect(durationMs).toBeGreaterThanOrEqual(least);
    expect(durationMs).toBeLessThan(most);
  });

  it("says so when there is none, and finds none when [] is given", async () => {
    const server = createServer((_req, res) => res.end("done"));
    const port = await listen(server);
    const target = new FakeTarget();
    const shutdown = shutdownOnSignals(target, [], { exit: false, platformGrace: 600_000 });
    expect(await answered(port)).toBe(200);
    await shutdown.close();
    expect(server.listening).toBe(true);
    expect(target.lines).toContain("info: shutdown closing: no server was given or found; waiting for 0 tasks");
  });

  it("leaves no subscriber behind", async () => {
    const channels = ["tracing:net.server.listen:asyncEnd", "net.server.socket", "http.server.request.start"];
    const subscribed = () => channels.map((name) => channel(name).hasSubscribers);
    const before = subscribed();
    const shutdown = install(new FakeTarget());
    expect(subscribed()).toEqual([true, true, true]);
    shutdown.uninstall();
    expect(subscribed()).toEqual(before);
  });
});

describe("the signal", () => {
  it("aborts when the listeners close, so that event streams end and do not hold the shutdown up", async () => {
    const server = createServer((_req, res) => {
      res.writeHead(200, { "Content-Type": "text/event-stream" });
      res.write("data: hello\n\n");
      shutdown.signal.addEventListener("abort", () => res.end("event: bye\n\n"));
    });
    const port = await listen(server);
    const steps: string[] = [];
    const shutdown = install(
      new FakeTarget(),
      { onStep: ({ state }) => steps.push(`${state} ${shutdown.signal.aborted}`) },
      server,
    );
    const stream = await fetch(`http://127.0.0.1:${port}`);
    const report = await shutdown.close("a test");
    expect(await stream.text()).toBe("data: hello\n\nevent: bye\n\n");
    expect(report).toMatchObject({ forcedSockets: 0 });
    expect(report.durationMs).toBeLessThan(5_000);
    expect(steps.slice(0, 3)).toEqual(["leaving false", "closing false", "draining true"]);
    expect(shutdown.signal.reason).toMatchObject({ code: "AR_SHUTTING_DOWN" });
  });

  it("has room for a listener of every stream", async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => void warnings.push(warning);
    process.on("warning", note);
    const { signal } = install(new FakeTarget());
    for (let streams = 0; streams < 100; streams++) signal.addEventListener("abort", () => {});
    await sleep(10);
    process.off("warning", note);
    expect(warnings).toEqual([]);
  });
});

describe("other listeners of the signals", () => {
  it("that end the process are warned of, also those that come later", () => {
    const target = new FakeTarget();
    const early = (): never => process.exit(1);
    const late = (): void => void Promise.resolve().finally(() => process.exit(0));
    const harmless = (): void => {};
    process.on("SIGTERM", early);
    install(target);
    process.once("SIGINT", late);
    process.on("SIGTERM", harmless);
    const warnings = target.lines.filter((line) => line.startsWith("warn: another listener"));
    process.off("SIGTERM", early).off("SIGINT", late).off("SIGTERM", harmless);
    expect(warnings).toEqual([
      expect.stringContaining("of SIGTERM ends the process by itself (early)"),
      expect.stringContaining("of SIGINT ends the process by itself (late)"),
    ]);
  });

  it("by way of another function are known by their shape: Nitro's", () => {
    const callback = (): never => process.exit(0);
    let called = false;
    // As it stands in what Nitro builds, whose code the program does not choose.
    function call(this: unknown): unknown {
      if (called) return undefined;
      called = true;
      // biome-ignore lint/complexity/noArguments: the shape that is recognised
      return Reflect.apply(callback, this, arguments);
    }
    const target = new FakeTarget();
    process.on("SIGTERM", call);
    install(target);
    process.off("SIGTERM", call);
    expect(target.lines).toContainEqual(
      expect.stringMatching(
        /ends the process by itself \(Nitro \(graceful shutdown\)\).*set NITRO_SHUTDOWN_DISABLED=true/,
      ),
    );
  });

  it("of a framework are warned of with what takes them away: Next.js", () => {
    const cleanup = (): void => {
      const debug = (_words: string): void => {};
      debug("start-server process cleanup");
    };
    const target = new FakeTarget();
    process.on("SIGTERM", cleanup);
    install(target);
    process.off("SIGTERM", cleanup);
    expect(target.lines).toContainEqual(
      expect.stringMatching(/ends the process by itself \(Next\.js\).*set NEXT_MANUAL_SIG_HANDLE=true/),
    );
  });
});

describe("the probes", () => {
  it("answer for a server while it shuts down", async () => {
    const server = createServer((req, res) => {
      if (req.url === "/ready") shutdown.readiness(req, res);
      else shutdown.liveness(req, res);
    });
    const shutdown = install(new FakeTarget(), { drainDelay: 300 }, server);
    const port = await listen(server);
    const status = (path: string) => {
      return new Promise<unknown>((resolve, reject) => {
        get({ port, path, agent: false }, (res) => {
          res.resume();
          resolve([res.statusCode, res.headers["cache-control"]]);
        }).on("error", reject);
      });
    };
    expect(await status("/ready")).toEqual([200, "no-store"]);
    const closing = shutdown.close();
    expect(await status("/ready")).toEqual([503, "no-store"]);
    expect(await status("/live")).toEqual([200, "no-store"]);
    await closing;
    await expect(status("/live")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });
});

describe("uninstall()", () => {
  it("takes one out of the shutdown and leaves it to the others", async () => {
    const [one, two] = [new FakeTarget(), new FakeTarget()];
    const first = install(one);
    const second = install(two);
    first.uninstall();
    expect(process.listenerCount("SIGTERM")).toBe(1);
    await second.close();
    expect(one.calls).toEqual([]);
    expect(two.calls).toContain("refuse");
  });

  it("takes away what this one alone asked for, and nothing that another asked for too", () => {
    const listeners = () => ["SIGTERM", "SIGHUP", "uncaughtException"].map((name) => process.listenerCount(name));
    const before = listeners();
    install(new FakeTarget());
    const second = install(new FakeTarget(), { signals: ["SIGTERM", "SIGHUP"], uncaughtException: true });
    expect(listeners().map((count, index) => count - Number(before[index]))).toEqual([1, 1, 1]);
    second.uninstall();
    expect(listeners().map((count, index) => count - Number(before[index]))).toEqual([1, 0, 0]);
  });

  it("changes nothing once the shutdown has begun", async () => {
    const target = new FakeTarget();
    target.start("a");
    const shutdown = install(target);
    const closing = shutdown.close();
    shutdown.uninstall();
    await sleep(10);
    target.end("a");
    expect((await closing).completed).toBe(1);
  });
});
