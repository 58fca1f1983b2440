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
type Kind = "none" | "raw" | "plain" | "ours";
type State = "up" | "frozen" | "killed";

/** What a server that is busy dispatches in a turn of its loop, and what a batch of work does. */
const loads = [
  { atOnce: 10, tasks: 10_000 },
  { atOnce: 100, tasks: 30_000 },
] as const;
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

  async function readingOf(kind: Kind, state: State, load: object): Promise<Reading> {
    const web = await start(kind);
    // Compiled code, and connections that are in use.
    await ask(web, "dispatch", { ...load, tasks: 5_000 });
    if (state === "frozen") redis.signal("SIGSTOP");
    if (state === "killed") await redis.kill();
    const reading = await ask<Reading>(web, "dispatch", load);
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

  async function measureUp(round: number, samples: Samples): Promise<void> {
    for (const load of loads) {
      const { cpuUs: loopUs } = await readingOf("none", "up", load);
      for (const kind of ["raw", ...inTurn<Kind>(round, "plain", "ours")] as const) {
        const { p50us, cpuUs } = await readingOf(kind, "up", load);
        if (load === loads[0]) samples.add("p50us", kind, "up", p50us);
        samples.add("cpuUs", kind, load.atOnce, cpuUs - loopUs);
        const us = Math.round(cpuUs - loopUs);
        console.error(`round ${round + 1}, ${kind}, ${load.atOnce} a turn: ${us} us of CPU a task`);
      }
    }
  }

  async function measureOutage(round: number, state: State, samples: Samples): Promise<void> {
    const load = { ...loads[0], tasks: backlog };
    for (const kind of ["none", ...inTurn<Kind>(round, "plain", "ours")] as const) {
      const { p50us, delayP99ms } = await readingOf(kind, state, load);
      samples.add("delayP99ms", kind, state, delayP99ms);
      // Against the same round with Redis up.
      const [up] = samples.values("p50us", kind, "up").slice(-1);
      if (up !== undefined) samples.add("p50 over up", kind, state, p50us / up);
      console.error(`round ${round + 1}, ${kind}, Redis ${state}: loop delay p99 ${delayP99ms.toFixed(2)} ms`);
    }
  }

  return {
    title: "A web process, with BullMQ",
    how:
      "Ten or a hundred dispatches in a turn, and a turn a ms, after a warm-up. An outage is 40,000 dispatches long. The CPU of the empty " +
      "loop is taken off.",
    async measure(round, samples) {
      await measureUp(round, samples);
      for (const state of ["frozen", "killed"] as const) await measureOutage(round, state, samples);
      samples.add("backlog", "ours", backlog, await backlogRate());
    },
    bars: (samples: Samples) => [
      ...(["frozen", "killed"] as const).flatMap((state) => [
        ...atMost(`dispatch p50, Redis ${state} over up`, samples.summary("p50 over up", "ours", state), 1.2),
        ...atMost(
          `loop delay p99, Redis ${state}, over plain BullMQ (the empty loop: ${floorOf(samples, state)})`,
          samples.ratio("delayP99ms", "ours", "plain", state),
          0.3,
        ),
      ]),
      ...loads.flatMap(({ atOnce }) =>
        atMost(
          `main-thread CPU over plain \`queue.add\`, ${atOnce} in a turn (a bare file and thread: ${rawOf(samples, atOnce)})`,
          samples.ratio("cpuUs", "ours", "plain", atOnce),
          0.4,
        ),
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

/** What the delay of a loop that does nothing is, over plain BullMQ: no bound can be below it. */
function floorOf(samples: Samples, state: State): string {
  return samples.ratio("delayP99ms", "none", "plain", state)?.median.toFixed(2) ?? "?";
}

function rawOf(samples: Samples, atOnce: number): string {
  return samples.ratio("cpuUs", "raw", "plain", atOnce)?.median.toFixed(2) ?? "?";
}
