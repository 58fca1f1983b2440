// The shutdown of this very process, which lives on: `exit` is false or a function. See test/scenarios for those that end.
import { createServer, get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type Shutdown, type ShutdownOptions, shutdownOnSignals } from "../../src/shutdown/shutdown.js";
import { afterThisTest, listen } from "../support/http.js";
import { FakeTarget } from "./fake-target.js";

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

  it("waits until all who take part are settled, because a task of one may dispatch to another", async () => {
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
