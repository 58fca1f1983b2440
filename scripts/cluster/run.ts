// A cluster under load whose processes are killed: two web processes, two workers and a Redis. Every accepted number is known, so what
// is lost and what ran twice is counted and not guessed.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RedisServer } from "../../test/support/redis.js";
import { type Missing, whereAre } from "./whereabouts.js";

export interface ClusterOptions {
  /** An empty folder. */
  readonly folder: string;
  /** How often each of web process, worker and broker is killed. */
  readonly kills: number;
  /** Between two kills, in ms. */
  readonly pauseMs: number;
  /** Once the load is over: how long no task may end until those that are left count as lost, in ms. Default 60,000. */
  readonly patienceMs?: number;
  /** When everything has to be over, in ms: what has not run by then counts as lost. */
  readonly mostMs?: number;
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
  /** What is lost, by the id of its task, and where it is. */
  readonly missing: readonly Missing[];
  /** Numbers that a web process was given and has not answered, and whose task has not run. Most often it was killed before. */
  readonly unaccepted: readonly number[];
  /** Whether `mostMs` were over before the end. */
  readonly isGivenUp: boolean;
}

const program = path.join(import.meta.dirname, "process.mjs");

export async function runCluster(options: ClusterOptions): Promise<ClusterReport> {
  const { folder, kills, pauseMs, patienceMs = 60_000, mostMs, onKill } = options;
  const ran = path.join(folder, "ran");
  const journalOf = (role: string): string => path.join(folder, `journal-${role}`);
  const journals = [journalOf("dispatch"), journalOf("work")];
  const data = path.join(folder, "redis");
  mkdirSync(data);
  const redis = await RedisServer.start(data);
  /** The ids of the tasks, by their numbers. */
  const accepted = new Map<number, string>();
  let next = 0;

  async function start(role: "dispatch" | "work", name: string): Promise<ChildProcess> {
    const settings = { role, connection: redis.url, journal: journalOf(role) };
    const child = fork(program, [JSON.stringify({ ...settings, name })], { env: { ...process.env, RAN: ran } });
    children.add(child);
    child.once("exit", () => void children.delete(child));
    child.on("message", ({ accepted: n, id = "" }: { accepted?: number; id?: string }) => {
      if (n !== undefined) accepted.set(n, id);
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

  async function killAll(): Promise<void> {
    for (let round = 0; round < kills; round++) {
      for (const [what, kill] of Object.entries(killed)) {
        await sleep(pauseMs);
        await kill();
        onKill?.(what);
      }
    }
    clearInterval(load);
    // A slow machine has a backlog, and that is not lost as long as it becomes smaller.
    for (let [left, until] = [lost().length, Date.now() + patienceMs]; left > 0 && Date.now() < until; ) {
      await sleep(200);
      const now = lost().length;
      if (now < left) [left, until] = [now, Date.now() + patienceMs];
      else left = now;
    }
  }

  const isGivenUp = await Promise.race([killAll().then(() => false), ...(mostMs === undefined ? [] : [over(mostMs)])]);
  clearInterval(load);
  const runs = numbers();
  const done = new Set(runs);
  const unaccepted = Array.from({ length: next }, (_, n) => n).filter((n) => !accepted.has(n) && !done.has(n));
  const { size } = accepted;
  const missing = await whereAre(lost(), { journals, connection: redis.url, queue: "cluster" });
  for (const child of children) child.kill("SIGKILL");
  await redis.kill();
  process.off("exit", end);
  return {
    accepted: size,
    run: done.size,
    lost: missing.length,
    twice: runs.length - done.size,
    kills: 3 * kills,
    missing,
    unaccepted,
    isGivenUp,
  };

  function numbers(): number[] {
    return existsSync(ran) ? readFileSync(ran, "utf8").trim().split("\n").map(Number) : [];
  }
  /** Their ids. */
  function lost(): string[] {
    const done = new Set(numbers());
    return [...accepted].filter(([n]) => !done.has(n)).map(([, id]) => id);
  }
}

async function over(ms: number): Promise<true> {
  await sleep(ms, undefined, { ref: false });
  return true;
}
