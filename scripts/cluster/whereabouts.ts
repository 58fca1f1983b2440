// Where tasks are that were accepted and have not run: as an operator would look, in the journals and in the queue.
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Queue } from "bullmq";
import { consoleLogger } from "../../src/base/logger.js";
import { deadLetterFiles } from "../../src/journal/cli/command.js";
import { inspectOwners } from "../../src/journal/cli/inspect.js";
import { nodeFileSystem as fs } from "../../src/journal/files/file-system.js";

export interface Places {
  /** The directories of the journals. */
  readonly journals: readonly string[];
  readonly connection: string;
  readonly queue: string;
}

/** A task that has not run. */
export interface Missing {
  readonly id: string;
  /** In words, as far as it is known. */
  readonly where: string;
}

/** The queue is asked for so many tasks at the most, and has so many ms for all of them. */
const mostAsked = 1_000;
const patience = 5_000;

export async function whereAre(ids: readonly string[], places: Places): Promise<Missing[]> {
  const found = new Map(ids.map((id) => [id, [] as string[]]));
  for (const root of places.journals.filter((dir) => existsSync(dir))) {
    for (const { directory, alive, pending } of await inspectOwners(fs, root)) {
      const where = `unfinished in the journal of a process that is ${alive ? "alive" : "dead"} (${directory})`;
      for (const { entry } of pending) found.get(entry.id)?.push(where);
    }
    const letters = await deadLetterFiles({ fs, root, logger: consoleLogger, now: Date.now() }).list();
    for (const { id, reason, error } of letters)
      found.get(id)?.push(`a dead letter of the journal ${root} (${reason}: ${error?.message ?? "no error"})`);
  }
  for (const [id, where] of await inQueue(ids.slice(0, mostAsked), places)) found.get(id)?.push(where);
  return [...found].map(([id, all]) => ({ id, where: all.join("; ") || "in no journal and not in the queue" }));
}

async function inQueue(ids: readonly string[], { connection, queue: name }: Places): Promise<[string, string][]> {
  const { hostname: host, port } = new URL(connection);
  const queue = new Queue(name, { connection: { host, port: Number(port) }, skipWaitingForReady: true });
  queue.on("error", () => {});
  const asking = Promise.all(ids.map((id) => jobInWords(queue, id)));
  asking.catch(() => {});
  try {
    const answers = await Promise.race([asking, sleep(patience, undefined, { ref: false })]);
    const known = (answers ?? ids.map(() => "perhaps in the queue, which does not answer")).map(
      (words, index): [string, string] => [ids[index] ?? "", words],
    );
    return known.filter(([, words]) => words !== "");
  } finally {
    // Not awaited, because a Redis that is dead is waited for without end.
    void queue.disconnect().catch(() => {});
  }
}

async function jobInWords(queue: Queue, id: string): Promise<string> {
  const job = await queue.getJob(id);
  if (job === undefined) return "";
  const state = await job.getState();
  const [attempts, stalls] = [`${job.attemptsMade} attempts`, `${job.stalledCounter} crashes`];
  if (state === "failed") return `a dead letter of the queue (${job.failedReason})`;
  if (state === "completed") return "in the queue, completed, although its run has left no trace";
  return `in the queue, ${state} (${attempts}, ${stalls})`;
}

/**
 * What was not run, in words: a line for each place with the first ids there, and the numbers that were never accepted.
 *
 * @param most how many of each
 */
export function linesOf(report: { missing: readonly Missing[]; unaccepted: readonly number[] }, most = 20): string[] {
  const byPlace = new Map<string, string[]>();
  for (const { id, where } of report.missing) byPlace.set(where, [...(byPlace.get(where) ?? []), id]);
  const lines = [...byPlace].map(([where, ids]) => `lost ${ids.length}: ${where}: ${first(ids, most)}`);
  const { unaccepted } = report;
  if (unaccepted.length > 0)
    lines.push(
      `never accepted ${unaccepted.length}: given to a web process that has not answered: numbers ${first(unaccepted, most)}`,
    );
  return lines;
}

/** The first of a list in words, and how many more there are. */
function first(all: readonly (string | number)[], most: number): string {
  const more = all.length > most ? ` and ${all.length - most} more` : "";
  return `${all.slice(0, most).join(", ")}${more}`;
}
