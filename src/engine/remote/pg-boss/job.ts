// A task as a job of pg-boss, and back. Jobs look right to whoever looks at the table: the data are readable, and have the name.
import { createHash } from "node:crypto";
import type { EngineFailure, EngineTask } from "../remote-engine.js";

/** What the column `data` has. */
export interface JobData extends Omit<EngineTask, "priority"> {
  /** Attempts that have failed. */
  readonly tries?: number;
  /** How many of the fetches were settled. The others ended with the death of their worker. */
  readonly settled?: number;
}

/** A row of the statement that inserts. */
export interface NewJob {
  readonly id: string;
  readonly priority: number;
  readonly data: JobData;
  readonly key: string | undefined;
}

/** What pg-boss tells of a job that it hands out. */
export interface FetchedJob {
  readonly id: string;
  readonly data: Partial<JobData> | null;
  readonly priority: number;
  readonly createdOn: Date;
  /** Counts every fetch but the first. */
  readonly retryCount: number;
}

const longestKey = 500;

export function toJob({ priority, ...data }: EngineTask): NewJob {
  return { id: jobIdOf(data.id), priority: 2 - priority, data, key: keyOf(data) };
}

export function toTask({ id, data, priority }: FetchedJob): EngineTask {
  const { tries: _tries, settled: _settled, ...task } = data ?? {};
  // Somebody else may have put it into the queue. Without a body it cannot be read, and that is told.
  return { id, name: "", attempts: 1, acceptedAt: 0, ...task, priority: rank(2 - priority) } as EngineTask;
}

function rank(given: number): 1 | 2 | 3 {
  return given <= 1 ? 1 : given >= 3 ? 3 : 2;
}

/**
 * The uuid of a task, always the same one. pg-boss orders jobs of one statement by it, so the number at the end of an id, which counts
 * up in its process, is at the end of the uuid; the rest is a hash.
 */
export function jobIdOf(id: string): string {
  const at = id.lastIndexOf("-") + 1;
  const tail = id.slice(at);
  const number = /^[0-9a-z]{1,9}$/.test(tail) ? Number.parseInt(tail, 36) : -1;
  const isCounted = at > 0 && number.toString(36) === tail;
  const hash = createHash("sha1")
    .update(isCounted ? `counted ${id.slice(0, at)}` : `whole ${id}`)
    .digest("hex");
  const last = (isCounted ? number : 0).toString(16).padStart(12, "0");
  // Version 8: made by a rule of one's own.
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(12, 15)}-8${hash.slice(15, 18)}-${last}`;
}

/** While an unfinished job has it, no other one gets in. A long one would not fit into the index. */
function keyOf({ name, key }: Pick<EngineTask, "name" | "key">): string | undefined {
  if (key === undefined) return undefined;
  const text = JSON.stringify([name, key]);
  return text.length <= longestKey ? text : createHash("sha256").update(text).digest("hex");
}

/** A row of the statement that lists failures. */
export interface FailedJob {
  readonly id: string;
  readonly data: Partial<JobData> | null;
  readonly output: Partial<Record<"reason" | "message" | "failedAt", unknown>> | null;
}

export function failureOf({ id, data, output }: FailedJob): EngineFailure {
  const { reason = "exhausted", message = "", failedAt = 0 } = output ?? {};
  return {
    id: data?.id ?? id,
    name: data?.name ?? "",
    reason: String(reason),
    error: String(message),
    attempts: data?.tries ?? 0,
    failedAt: Number(failedAt),
  };
}
