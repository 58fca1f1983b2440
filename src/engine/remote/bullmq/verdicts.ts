// How an attempt ends in BullMQ. The worker decides whether there is another one, and BullMQ counts: `moveToWait` and `moveToDelayed`
// count no attempt, `moveToFailed` counts one.
import { type Job, UnrecoverableError } from "bullmq";
import { wallClock } from "../../../base/time.js";
import type { EngineFailure, Verdict } from "../remote-engine.js";
import type { JobData } from "./job.js";

/** With so few jobs that wait, a worker may be asleep; with more, one that is awake comes by soon. */
const few = 16;

/** @param waiting how many jobs wait for a worker */
export async function settle(
  job: Job<JobData>,
  token: string,
  verdict: Exclude<Verdict, { readonly as: "succeeded" }>,
  waiting: () => Promise<number>,
): Promise<void> {
  switch (verdict.as) {
    case "retry":
      // Of this object alone, which BullMQ asks whether and when there is another attempt.
      job.opts = { ...job.opts, attempts: job.attemptsMade + 2, backoff: { type: "fixed", delay: verdict.delayMs } };
      await job.moveToFailed(verdict.error, token, false);
      return;
    case "failed": {
      const error = new UnrecoverableError(`${verdict.reason}: ${verdict.error.message}`);
      error.stack = verdict.error.stack ?? String(verdict.error);
      await job.moveToFailed(error, token, false);
      return;
    }
    case "returned":
      if (verdict.delayMs > 0) await job.moveToDelayed(wallClock() + verdict.delayMs, token);
      else await giveBack(job, token, waiting);
  }
}

/**
 * `moveToWait` puts it to the front of its priority, and wakes no worker that sleeps. A change of the priority does, whatever the new one is,
 * and puts it behind the few that wait.
 */
export async function giveBack(job: Job<JobData>, token: string, waiting: () => Promise<number>): Promise<void> {
  await job.moveToWait(token);
  try {
    if ((await waiting()) <= few) await job.changePriority({ priority: job.opts.priority ?? 2 });
  } catch {
    // It is given back already, and a worker looks after a second.
  }
}

export function failureOf(job: Job<JobData>): EngineFailure {
  const { id = "", name, failedReason = "", attemptsMade, finishedOn = 0 } = job;
  const [, reason = "exhausted", error = failedReason] = /^([a-z-]+): ([\s\S]*)$/.exec(failedReason) ?? [];
  return { id, name, reason, error, attempts: attemptsMade, failedAt: finishedOn };
}
