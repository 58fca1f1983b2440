// What is left of accepted tasks after kill -9: a process accepts them and kills itself, the next one counts what is there, and where a
// store promises to run them, a third one runs them.
import { mkdirSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { bullmq, bullmqThreads, promises, sidequest } from "../../contenders/stores/all.js";
import { startRedis } from "../../harness/redis.js";
import { sidequestBurst } from "./metrics.js";
import type { Participants } from "./participants.js";
import { directoryOf, type Opening, openProcess } from "./processes.js";

export interface Kept {
  readonly accepted: number;
  readonly kept: number;
  /** Of these, by the next process that runs tasks; undefined where running them again is the user's to write. */
  readonly run: number | undefined;
}

/** How many tasks are accepted before the kill. */
export const tasksToKeep = 200;

// For a store that ends some tens of tasks a second.
const patienceMs = 30_000;
const betweenCountsMs = 100;

/** All contenders at the same time, because nothing is timed. Resolves to what each has kept, by name. */
export async function killAll(base: string, participants: Participants): Promise<ReadonlyMap<string, Kept>> {
  const all = participants.names.map(async (name) => {
    return [name, await killOne(name, directoryOf(name, base, participants), participants)] as const;
  });
  return new Map(await Promise.all(all));
}

async function killOne(name: string, dir: string, participants: Participants): Promise<Kept> {
  const accepted = name === sidequest ? sidequestBurst : tasksToKeep;
  mkdirSync(dir, { recursive: true });
  // The Redis of a service is another process, and often on another machine: it lives on.
  const redis = name === bullmq || name === bullmqThreads ? await startRedis({ appendOnlyIn: dir }) : undefined;
  const options = { dir, held: true, redisPort: redis?.port };
  const killed = await openProcess(name, participants, options);
  await killed.ask("leave", accepted).catch((error) => {
    if (killed.endedBy !== "SIGKILL") throw error;
  });
  const next = await openProcess(name, participants, options);
  const kept = await next.ask<number>("kept");
  await next.end();
  const run = promises[name]?.runBy === undefined ? undefined : await runAgain(name, kept, participants, options);
  await redis?.kill();
  return { accepted, kept, run };
}

/** Resolves to how many of the kept tasks end in a process that runs tasks. */
async function runAgain(name: string, kept: number, participants: Participants, options: Opening): Promise<number> {
  const runner = await openProcess(name, participants, { ...options, held: false });
  let ended = 0;
  const until = performance.now() + patienceMs;
  while (ended < kept && performance.now() < until) {
    await setTimeout(betweenCountsMs);
    ended = await runner.ask<number>("ended");
  }
  await runner.end();
  return ended;
}
