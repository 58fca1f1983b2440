// What is left of accepted tasks after kill -9: a process accepts them and kills itself, and the next one counts what is there.
import { mkdirSync } from "node:fs";
import { bullmq, bullmqThreads, sidequest } from "../../contenders/stores/all.js";
import { startRedis } from "../../harness/redis.js";
import { sidequestBurst } from "./metrics.js";
import type { Participants } from "./participants.js";
import { directoryOf, openProcess } from "./processes.js";

export interface Kept {
  readonly accepted: number;
  readonly kept: number;
}

/** How many tasks are accepted before the kill. */
export const tasksToKeep = 200;

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
  await redis?.kill();
  return { accepted, kept };
}
