// Fetches one job for each credit, keeps the locks of what runs, and tells of those that are lost.
import { randomUUID } from "node:crypto";
import { type ConnectionOptions, Job, Worker } from "bullmq";
import { clearTicker, microtask, now, setTicker, sleep } from "../../../base/time.js";
import type { Consumer, Delivery } from "../remote-engine.js";
import { Loss, lockHasEnded } from "../thread/loss.js";
import { crashesOf, type JobData, toTask } from "./job.js";
import type { ResolvedBullMQOptions } from "./options.js";
import { giveBack, settle } from "./verdicts.js";

/** How long a fetch waits for a job, in s. */
const patience = 1;
/** The worker decides what becomes of a task that workers die of. */
const anyNumber = 1_000_000;
const pauseAfterError = 500;

interface Running {
  readonly job: Job<JobData>;
  readonly lost: Loss;
  /** When the last renewal that succeeded was sent. */
  renewedAt: number;
  isRenewing: boolean;
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
    private readonly waiting: () => Promise<number>,
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
    this.#credits = Math.max(0, this.#credits + more);
    // After the ends that came with it: the answer to each of them may be a job.
    microtask(() => void this.#fetch());
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
      this.#credits--;
      try {
        await this.#take(await this.#worker.getNextJob(this.#token, { block: true }));
      } catch {
        // Redis is away, or comes back.
        this.#credits++;
        await sleep(pauseAfterError);
      }
    }
    this.#isFetching = false;
  }

  /** @param job what a credit that was counted off has brought */
  async #take(job: Job<JobData> | undefined): Promise<void> {
    if (job === undefined) {
      this.#credits++;
      return;
    }
    if (this.#isStopped) {
      // It was fetched in the moment of the stop.
      await giveBack(job, this.#token, this.waiting);
      return;
    }
    const running: Running = { job, lost: new Loss(), renewedAt: now(), isRenewing: false };
    this.#running.add(running);
    this.deliver({
      task: toTask(job),
      attempt: job.attemptsMade + 1,
      crashes: crashesOf(job),
      lost: running.lost,
      // Renewed until then, so that an end that comes too late is known to be.
      settle: async (verdict) => {
        if (verdict.as === "succeeded") {
          await this.#complete(running);
        } else {
          await settle(job, this.#token, verdict, this.waiting);
          this.#running.delete(running);
        }
      },
    });
  }

  /** One command ends a job and fetches the next one. It costs Redis and this thread little more than the end alone. */
  async #complete(running: Running): Promise<void> {
    const fetches = this.#credits > 0 && !this.#isStopped;
    if (fetches) this.#credits--;
    let next: Job<JobData> | undefined;
    try {
      const answer = await running.job.moveToCompleted(null, this.#token, fetches);
      this.#running.delete(running);
      const [data, id] = Array.isArray(answer) ? answer : [];
      if (data) next = Job.fromJSON<JobData>(this.#worker, data, id);
    } catch (error) {
      if (fetches) this.#credits++;
      throw error;
    }
    if (!fetches) return;
    // The end has been told, whatever becomes of the next one.
    await this.#take(next).catch(() => {});
    if (next === undefined) void this.#fetch();
  }

  #renew(): void {
    const { lockMs } = this.options;
    const sentAt = now();
    for (const running of this.#running) {
      if (lockHasEnded(running.renewedAt, sentAt, lockMs)) {
        this.#lose(running);
        continue;
      }
      // One that was sent before the connection broke waits for the next connection.
      if (running.isRenewing) continue;
      running.isRenewing = true;
      void running.job
        .extendLock(this.#token, lockMs)
        .then(
          (renewed) => {
            if (renewed === 0) this.#lose(running);
            else running.renewedAt = sentAt;
          },
          () => {},
        )
        .finally(() => {
          running.isRenewing = false;
        });
    }
  }

  #lose(running: Running): void {
    if (!this.#running.delete(running)) return;
    running.lost.happen(new Error(`the lock of the task ${running.job.id} is lost`));
  }
}
