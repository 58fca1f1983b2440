// A task as a job of BullMQ, and back. Jobs look right to whoever looks at the queue: the name is that of the task, the data are readable.
import type { BulkJobOptions, Job } from "bullmq";
import type { EngineTask, TaskBody } from "../remote-engine.js";
import type { ResolvedBullMQOptions } from "./options.js";

export interface JobData {
  readonly body: TaskBody;
  readonly key?: string | undefined;
  /** So many of the crashes that BullMQ has counted were before somebody retried the dead letter. */
  readonly forgiven?: number | undefined;
}

interface NewJob {
  readonly name: string;
  readonly data: JobData;
  readonly opts: BulkJobOptions;
}

export function toJob(task: EngineTask, { keepSucceededMs }: ResolvedBullMQOptions): NewJob {
  const { id, name, body, key, priority, attempts, trace, acceptedAt } = task;
  return {
    name,
    data: key === undefined ? { body } : { body, key },
    opts: {
      jobId: id,
      priority,
      attempts,
      timestamp: acceptedAt,
      removeOnComplete: { age: keepSucceededMs / 1_000 },
      removeOnFail: false,
      // Until it has ended, whatever its state.
      ...(key !== undefined && { deduplication: { id: JSON.stringify([name, key]) } }),
      ...(trace !== undefined && { telemetry: { metadata: JSON.stringify(trace), omitContext: true } }),
    },
  };
}

/** Somebody else's job, whose data may be null, has no body: whoever reads that says so. */
export function toTask({ id = "", name, data, opts, timestamp }: Job<JobData | null>): EngineTask {
  const { priority = 2, attempts = 1, telemetry } = opts;
  const { body, key } = (data ?? {}) as JobData;
  return {
    id,
    name,
    body,
    priority: priority === 1 || priority === 3 ? priority : 2,
    attempts,
    key,
    trace: traceOf(telemetry?.metadata),
    acceptedAt: timestamp,
  };
}

function traceOf(metadata: string | undefined): EngineTask["trace"] {
  if (metadata === undefined) return undefined;
  try {
    return JSON.parse(metadata);
  } catch {
    return undefined;
  }
}

/** BullMQ never counts its stalls down, also when a failed job is retried. */
export function crashesOf({ stalledCounter, data }: Job<JobData | null>): number {
  return Math.max(0, stalledCounter - (data?.forgiven ?? 0));
}
