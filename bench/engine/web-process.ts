// What a queue elsewhere costs a web process, and what an outage of Redis does to it, beside plain `queue.add` of BullMQ.
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { atLeast, atMost } from "../harness/benchmark.js";
import { hasRedis, startRedis } from "../harness/redis.js";
import type { Samples } from "../harness/samples.js";
import { inTurn, type Part } from "./part.js";
import { ask, endProcess, startProcess } from "./processes.js";

interface Reading {
  readonly p50us: number;
  readonly cpuUs: number;
  readonly delayP99ms: number;
}
type Kind = "none" | "plain" | "ours";
type State = "up" | "frozen" | "killed";

const tasks = 10_000;
const backlog = 40_000;

export async function webProcess(folder: string): Promise<Part | undefined> {
  if (!hasRedis()) {
    console.warn("SKIPPED: redis-server is not installed");
    return undefined;
  }
  const data = path.join(folder, "redis-of-web");
  mkdirSync(data);
  let redis = await startRedis({ appendOnlyIn: data });
  let processes = 0;

  async function start(kind: Kind): Promise<ChildProcess> {
    const queue = `web-${processes++}`;
    const connection = `redis://127.0.0.1:${redis.port}`;
    const child = startProcess("web", { kind, queue, connection, journal: path.join(folder, queue) });
    await once(child, "message");
    return child;
  }

  async function readingOf(kind: Kind, state: State): Promise<Reading> {
    const web = await start(kind);
    // Compiled code, and connections that are in use.
    await ask(web, "dispatch", { tasks: 5_000 });
    if (state === "frozen") redis.signal("SIGSTOP");
    if (state === "killed") await redis.kill();
    const reading = await ask<Reading>(web, "dispatch", { tasks });
    await endProcess(web);
    if (state === "frozen") redis.signal("SIGCONT");
    if (state === "killed") redis = await startRedis({ appendOnlyIn: data, port: redis.port });
    return reading;
  }

  async function backlogRate(): Promise<number> {
    const web = await start("ours");
    redis.signal("SIGSTOP");
    await ask(web, "fill", { tasks: backlog });
    redis.signal("SIGCONT");
    const startedAt = performance.now();
    await ask(web, "settled");
    const rate = backlog / ((performance.now() - startedAt) / 1_000);
    await endProcess(web);
    return rate;
  }

  return {
    title: "A web process, with BullMQ",
    how: "Ten dispatches a ms, after a warm-up. The CPU of the empty loop is taken off.",
    async measure(round, samples) {
      const { cpuUs: loopUs } = await readingOf("none", "up");
      for (const state of ["up", "frozen", "killed"] as const) {
        for (const kind of inTurn(round, "plain", "ours")) {
          const { p50us, cpuUs, delayP99ms } = await readingOf(kind, state);
          samples.add("p50us", kind, state, p50us);
          samples.add("cpuUs", kind, state, cpuUs - loopUs);
          samples.add("delayP99ms", kind, state, delayP99ms);
          // Against the same round with Redis up.
          const [up] = samples.values("p50us", kind, "up").slice(-1);
          if (up !== undefined) samples.add("p50 over up", kind, state, p50us / up);
          console.error(`round ${round + 1}, ${kind}, Redis ${state}: ${Math.round(cpuUs - loopUs)} us of CPU a task`);
        }
      }
      samples.add("backlog", "ours", backlog, await backlogRate());
    },
    bars: (samples: Samples) => [
      ...(["frozen", "killed"] as const).flatMap((state) => [
        ...atMost(`dispatch p50, Redis ${state} over up`, samples.summary("p50 over up", "ours", state), 1.2),
        ...atMost(
          `loop delay p99, Redis ${state}, over plain BullMQ`,
          samples.ratio("delayP99ms", "ours", "plain", state),
          0.3,
        ),
      ]),
      ...atMost(
        "main-thread CPU of a web process over plain `queue.add`",
        samples.ratio("cpuUs", "ours", "plain", "up"),
        0.4,
      ),
      ...atLeast(
        "a backlog of 40,000 once Redis is back",
        samples.summary("backlog", "ours", backlog),
        10_000,
        "tasks/s",
      ),
    ],
    async end() {
      redis.signal("SIGCONT");
      await redis.kill();
    },
  };
}
