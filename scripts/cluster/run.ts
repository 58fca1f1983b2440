// A cluster under load whose processes are killed: two web processes, two workers and a Redis. Every accepted number is known, so what
// is lost and what ran twice is counted and not guessed.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RedisServer } from "../../test/support/redis.js";

export interface ClusterOptions {
  /** An empty folder. */
  readonly folder: string;
  /** How often each of web process, worker and broker is killed. */
  readonly kills: number;
  /** Between two kills, in ms. */
  readonly pauseMs: number;
  /** Once the load is over: how long no task may end until those that are left count as lost, in ms. Default 60,000. */
  readonly patienceMs?: number;
  readonly onKill?: (what: string) => void;
}

export interface ClusterReport {
  readonly accepted: number;
  /** Numbers whose task has run. */
  readonly run: number;
  /** Accepted and never run. */
  readonly lost: number;
  /** Runs beyond the first. */
  readonly twice: number;
  readonly kills: number;
}

const program = path.join(import.meta.dirname, "process.mjs");

export async function runCluster(options: ClusterOptions): Promise<ClusterReport> {
  const { folder, kills, pauseMs, patienceMs = 60_000, onKill } = options;
  const ran = path.join(folder, "ran");
  const data = path.join(folder, "redis");
  mkdirSync(data);
  const redis = await RedisServer.start(data);
  const accepted = new Set<number>();
  let next = 0;

  async function start(role: "dispatch" | "work", name: string): Promise<ChildProcess> {
    const settings = { role, connection: redis.url, journal: path.join(folder, `journal-${role}`) };
    const child = fork(program, [JSON.stringify({ ...settings, name })], { env: { ...process.env, RAN: ran } });
    children.add(child);
    child.once("exit", () => void children.delete(child));
    child.on("message", (message: { accepted?: number }) => {
      if (message.accepted !== undefined) accepted.add(message.accepted);
    });
    await once(child, "message");
    return child;
  }

  // Whoever gives up waiting leaves nothing running.
  const children = new Set<ChildProcess>();
  const end = (): void => {
    for (const child of children) child.kill("SIGKILL");
    void redis.kill();
  };
  process.once("exit", end);

  const [webs, workers] = await Promise.all([
    Promise.all([start("dispatch", "web 1"), start("dispatch", "web 2")]),
    Promise.all([start("work", "worker 1"), start("work", "worker 2")]),
  ]);
  const load = setInterval(() => {
    for (const web of webs) if (web.connected) web.send({ n: next++, ms: 5 }, () => {});
  }, 5);

  const killed: Record<string, () => Promise<void>> = {
    "a web process": () => replace(webs, "dispatch"),
    "a worker": () => replace(workers, "work"),
    "the broker": async () => {
      await redis.kill();
      await redis.up();
    },
  };
  async function replace(processes: ChildProcess[], role: "dispatch" | "work"): Promise<void> {
    const victim = processes.shift();
    if (victim === undefined) return;
    const exited = once(victim, "exit");
    victim.kill("SIGKILL");
    await exited;
    processes.push(await start(role, role));
  }

  for (let round = 0; round < kills; round++) {
    for (const [what, kill] of Object.entries(killed)) {
      await sleep(pauseMs);
      await kill();
      onKill?.(what);
    }
  }
  clearInterval(load);
  // A slow machine has a backlog, and that is not lost as long as it becomes smaller.
  for (let [left, until] = [missing().length, Date.now() + patienceMs]; left > 0 && Date.now() < until; ) {
    await sleep(200);
    const now = missing().length;
    if (now < left) [left, until] = [now, Date.now() + patienceMs];
    else left = now;
  }
  const lost = missing().length;
  const runs = numbers();
  for (const child of children) child.kill("SIGKILL");
  await redis.kill();
  process.off("exit", end);
  return {
    accepted: accepted.size,
    run: new Set(runs).size,
    lost,
    twice: runs.length - new Set(runs).size,
    kills: 3 * kills,
  };

  function numbers(): number[] {
    return existsSync(ran) ? readFileSync(ran, "utf8").trim().split("\n").map(Number) : [];
  }
  function missing(): number[] {
    const done = new Set(numbers());
    return [...accepted].filter((n) => !done.has(n));
  }
}
