// Fetches one job for each credit, keeps the locks of what runs, and tells of those that are lost.
import { randomUUID } from "node:crypto";
import { type ConnectionOptions, type Job, Worker } from "bullmq";
import { clearTicker, now, setTicker, sleep } from "../../../base/time.js";
import type { Consumer, Delivery } from "../remote-engine.js";
import { crashesOf, type JobData, toTask } from "./job.js";
import type { ResolvedBullMQOptions } from "./options.js";
import { settle } from "./verdicts.js";

/** How long a fetch waits for a job, in s. */
const patience = 1;
/** The worker decides what becomes of a task that workers die of. */
const anyNumber = 1_000_000;
const pauseAfterError = 500;

interface Running {
  readonly job: Job<JobData>;
  readonly lost: AbortController;
  renewedAt: number;
}

export class BullMQConsumer implements Consumer {
  readonly #worker: Worker<JobData>;
  readonly #token = randomUUID();
  readonly #running = new Set<Running>();
  readonly #stopRenewing: () => void;
  #credits = 0;
  #isFetching = false;
  #isStopped = false;

  constructor(
    private readonly options: ResolvedBullMQOptions,
    connection: ConnectionOptions,
    private readonly deliver: (delivery: Delivery) => void,
  ) {
    const { queue, prefix, lockMs, stalledMs } = options;
    this.#worker = new Worker<JobData>(queue, null, {
      connection,
      prefix,
      autorun: false,
      lockDuration: lockMs,
      stalledInterval: stalledMs,
      maxStalledCount: anyNumber,
      drainDelay: patience,
    });
    this.#worker.on("error", () => {});
    void this.#worker.startStalledCheckTimer().catch(() => {});
    const renewing = setTicker(() => this.#renew(), lockMs / 3);
    this.#stopRenewing = () => clearTicker(renewing);
  }

  grant(more: number): void {
    this.#credits += more;
    void this.#fetch();
  }

  stop(): void {
    this.#isStopped = true;
  }

  async close(): Promise<void> {
    this.stop();
    this.#stopRenewing();
    await this.#worker.close(true);
  }

  disconnect(): void {
    void this.#worker.disconnect().catch(() => {});
  }

  async #fetch(): Promise<void> {
    if (this.#isFetching) return;
    this.#isFetching = true;
    while (this.#credits > 0 && !this.#isStopped) {
      try {
        const job: Job<JobData> | undefined = await this.#worker.getNextJob(this.#token, { block: true });
        if (job !== undefined) await this.#take(job);
      } catch {
        // Redis is away, or comes back.
        await sleep(pauseAfterError);
      }
    }
    this.#isFetching = false;
  }

  async #take(job: Job<JobData>): Promise<void> {
    if (this.#isStopped) {
      // It was fetched in the moment of the stop.
      await job.moveToWait(this.#token);
      return;
    }
    this.#credits--;
    const running: Running = { job, lost: new AbortController(), renewedAt: now() };
    this.#running.add(running);
    this.deliver({
      task: toTask(job),
      attempt: job.attemptsMade + 1,
      crashes: crashesOf(job),
      lost: running.lost.signal,
      settle: async (verdict) => {
        this.#running.delete(running);
        await settle(job, this.#token, verdict);
      },
    });
  }

  #renew(): void {
    for (const running of this.#running) {
      running.job.extendLock(this.#token, this.options.lockMs).then(
        (renewed) => {
          if (renewed === 0) this.#lose(running);
          else running.renewedAt = now();
        },
        () => {
          // Without an answer for as long as the lock lasts, somebody else may have the task.
          if (now() - running.renewedAt > this.options.lockMs) this.#lose(running);
        },
      );
    }
  }

  #lose(running: Running): void {
    this.#running.delete(running);
    running.lost.abort(new Error(`the lock of the task ${running.job.id} is lost`));
  }
}
