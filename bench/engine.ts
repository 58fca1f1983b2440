// npm run bench:engine: what a queue elsewhere costs a web process, and what an outage of Redis does to it, beside plain `queue.add` of
// BullMQ. Rounds are interleaved, so read the ratios. `-- 5` takes five rounds.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { atLeast, atMost, type Bar } from "./harness/benchmark.js";
import { environment } from "./harness/environment.js";
import { markdown, spread } from "./harness/format.js";
import { inWords, publish } from "./harness/publish.js";
import { hasRedis, startRedis } from "./harness/redis.js";
import { Samples } from "./harness/samples.js";

interface Reading {
  readonly p50us: number;
  readonly cpuUs: number;
  readonly delayP99ms: number;
}
type Kind = "none" | "plain" | "ours";
type State = "up" | "frozen" | "killed";

const [rounds = 3] = process.argv.slice(2).map(Number).filter(Number.isInteger);
const tasks = 10_000;
const backlog = 40_000;
const program = path.join(import.meta.dirname, "engine/web.mjs");
const samples = new Samples();

if (!hasRedis()) {
  console.warn("SKIPPED: redis-server is not installed");
  process.exit();
}
const machine = environment();
const folder = mkdtempSync(path.join(tmpdir(), "offload-after-response-engine-"));
const data = path.join(folder, "redis");
mkdirSync(data);
let redis = await startRedis({ appendOnlyIn: data });
let processes = 0;
try {
  for (let round = 0; round < rounds; round++) {
    // The loop itself, which is no part of what a task costs.
    const { cpuUs: loopUs } = await readingOf("none", "up");
    for (const state of ["up", "frozen", "killed"] as const) {
      for (const kind of round % 2 === 0 ? (["plain", "ours"] as const) : (["ours", "plain"] as const)) {
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
  }
} finally {
  redis.signal("SIGCONT");
  await redis.kill();
  rmSync(folder, { recursive: true, force: true });
}

const bars: readonly Bar[] = [
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
  ...atLeast("a backlog of 40,000 once Redis is back", samples.summary("backlog", "ours", backlog), 10_000, "tasks/s"),
];
const block = [
  inWords(machine, "short").replace("npm run bench`", "npm run bench:engine`"),
  markdown({
    title: "A queue elsewhere",
    columns: ["", "bound", "measured", "met"],
    rows: bars.map(({ text, measured, bound, unit, met }) => [
      text,
      `${bound.toLocaleString("en-US")} ${unit}`,
      spread(measured),
      met ? "yes" : "NO",
    ]),
  }).trim(),
].join("\n\n");
console.log(block);
if (process.argv.includes("--publish")) {
  publish(path.join(import.meta.dirname, "../docs/beyond-one-machine.md"), new Map([["engine", block]]));
}

async function readingOf(kind: Kind, state: State): Promise<Reading> {
  const web = await start(kind);
  // Compiled code, and connections that are in use.
  await ask(web, "dispatch", { tasks: 5_000 });
  if (state === "frozen") redis.signal("SIGSTOP");
  if (state === "killed") await redis.kill();
  const reading = await ask<Reading>(web, "dispatch", { tasks });
  await end(web);
  await back(state);
  return reading;
}

async function backlogRate(): Promise<number> {
  const web = await start("ours");
  redis.signal("SIGSTOP");
  await ask(web, "fill", { tasks: backlog });
  redis.signal("SIGCONT");
  const startedAt = performance.now();
  await ask(web, "emptied");
  const rate = backlog / ((performance.now() - startedAt) / 1_000);
  await end(web);
  return rate;
}

async function back(state: State): Promise<void> {
  if (state === "frozen") redis.signal("SIGCONT");
  if (state === "killed") redis = await startRedis({ appendOnlyIn: data, port: redis.port });
}

async function start(kind: Kind): Promise<ChildProcess> {
  const queue = `bench-${processes++}`;
  const settings = { kind, queue, connection: `redis://127.0.0.1:${redis.port}`, journal: path.join(folder, queue) };
  const child = fork(program, [JSON.stringify(settings)], { execArgv: [] });
  await once(child, "message");
  return child;
}

async function ask<Value>(child: ChildProcess, command: string, argument?: unknown): Promise<Value> {
  const answer = once(child, "message");
  child.send({ command, argument });
  const [{ value }] = await answer;
  return value;
}

async function end(child: ChildProcess): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
