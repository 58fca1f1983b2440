// The client of BullMQ, in the thread of the engine. Jobs are fetched by hand, one for each credit, so that a worker takes only what
// its threads can run.
import { type ConnectionOptions, type Job, Queue } from "bullmq";
import { inTime, turn } from "../../../base/time.js";
import type {
  Consumer,
  Delivery,
  EngineCounts,
  EngineTask,
  Receipt,
  RemoteEngine,
  RemoteEngineEvents,
} from "../remote-engine.js";
import { aborted } from "../thread/aborted.js";
import { Heartbeat } from "../thread/heartbeat.js";
import { BullMQConsumer } from "./consumer.js";
import { type JobData, toJob } from "./job.js";
import type { ResolvedBullMQOptions } from "./options.js";
import { failureOf } from "./verdicts.js";

/** Commands that Redis does not answer fail after this, in ms: it may be frozen. */
const commandTimeout = 5_000;
/** How long Redis may take for each of the two steps of the end, in ms. It answers within a few, or is dead or frozen. */
const endPatience = 500;
/** Tasks in one message to Redis. */
const mostAtOnce = 100;
const failed = "failed";

/** Called in the thread of the engine. */
export function connect(options: ResolvedBullMQOptions): RemoteEngine {
  return new BullMQ(options);
}

class BullMQ implements RemoteEngine {
  readonly #queue: Queue<JobData>;
  readonly #connection: ConnectionOptions;
  readonly #heartbeat: Heartbeat;
  readonly #consumers = new Set<BullMQConsumer>();
  #closed: Promise<void> | undefined;

  constructor(private readonly options: ResolvedBullMQOptions) {
    const { connection, prefix, queue } = options;
    this.#connection = {
      ...(typeof connection === "string" ? { url: connection } : connection),
      maxRetriesPerRequest: null,
      retryStrategy: (times: number) => Math.min(times * 100, 2_000),
    };
    this.#queue = new Queue<JobData>(queue, {
      connection: { ...this.#connection, commandTimeout },
      prefix,
      skipWaitingForReady: true,
      skipMetasUpdate: true,
    });
    // Told by the heartbeat. A command waits for a connection, so it does not say why there is none.
    let refused: Error | undefined;
    this.#queue.on("error", (error) => {
      refused = error;
    });
    const ask = async (): Promise<void> => {
      await this.#queue.getJobCounts("active");
      refused = undefined;
    };
    this.#heartbeat = new Heartbeat(ask, () => refused);
  }

  open(events: RemoteEngineEvents): void {
    this.#heartbeat.start(events);
  }

  async submit(batch: readonly EngineTask[], signal: AbortSignal): Promise<readonly Receipt[]> {
    const given = this.#add(batch);
    given.catch(() => this.#heartbeat.hurry());
    const jobs = await Promise.race([given, aborted(signal)]);
    return jobs.map(({ id }, index): Receipt => {
      // BullMQ answers with the job that was there.
      const isSame = id === batch[index]?.id;
      return isSame ? { ok: true } : { ok: true, duplicateOf: id };
    });
  }

  /** In parts, so that Redis works on one while the next is put together. */
  async #add(batch: readonly EngineTask[]): Promise<Job<JobData>[]> {
    const parts: Promise<Job<JobData>[]>[] = [];
    for (let from = 0; from < batch.length; from += mostAtOnce) {
      if (from > 0) await turn();
      const jobs = batch.slice(from, from + mostAtOnce).map((task) => toJob(task, this.options));
      const part = this.#queue.addBulk(jobs);
      // It may be rejected before all are there.
      part.catch(() => {});
      parts.push(part);
    }
    return (await Promise.all(parts)).flat();
  }

  consume(deliver: (delivery: Delivery) => void): Consumer {
    const waiting = (): Promise<number> => this.#queue.getPrioritizedCount();
    const consumer = new BullMQConsumer(this.options, this.#connection, waiting, deliver);
    this.#consumers.add(consumer);
    return consumer;
  }

  async remove(id: string): Promise<"removed" | "running" | "unknown"> {
    const job = await this.#queue.getJob(id);
    const state = await job?.getState();
    if (job === undefined || state === "completed" || state === failed || state === "unknown") return "unknown";
    if (state === "active") return "running";
    try {
      await job.remove();
    } catch {
      // A worker has taken it in between.
      return "running";
    }
    if (job.deduplicationId !== undefined) await this.#queue.removeDeduplicationKey(job.deduplicationId);
    return "removed";
  }

  async counts(): Promise<EngineCounts> {
    const counts = await this.#queue.getJobCounts("waiting", "prioritized", "delayed", "active", failed);
    const of = (state: string): number => counts[state] ?? 0;
    return {
      waiting: of("waiting") + of("prioritized"),
      delayed: of("delayed"),
      running: of("active"),
      failed: of(failed),
    };
  }

  readonly failures = {
    list: async (limit: number) => (await this.#queue.getJobs([failed], 0, limit - 1, false)).map(failureOf),
    retry: async (id: string) => {
      const job = await this.#failed(id);
      if (job === undefined) return false;
      // First, because a worker takes it at once.
      if (job.stalledCounter > 0) await job.updateData({ ...job.data, forgiven: job.stalledCounter });
      await job.retry(failed, { resetAttemptsMade: true, resetAttemptsStarted: true });
      return true;
    },
    discard: async (id: string) => {
      const job = await this.#failed(id);
      await job?.remove();
      return job !== undefined;
    },
  };

  close(deadlineMs: number): Promise<void> {
    this.#closed ??= this.#close(deadlineMs);
    return this.#closed;
  }

  async #close(deadlineMs: number): Promise<void> {
    this.#heartbeat.stop();
    const closing = [...this.#consumers].map((consumer) => consumer.close());
    // BullMQ waits for ever for a Redis that is dead or frozen.
    await inTime(Promise.allSettled([...closing, this.#queue.close()]), Math.min(deadlineMs / 2, endPatience));
    for (const consumer of this.#consumers) consumer.disconnect();
    await inTime(Promise.allSettled([this.#queue.disconnect()]), Math.min(deadlineMs / 4, endPatience));
  }

  async #failed(id: string) {
    const job = await this.#queue.getJob(id);
    return job !== undefined && (await job.getState()) === failed ? job : undefined;
  }
}
