// Fetches jobs for the credits there are, in batches, and looks again after a while where there are none.
import { inTime, sleep } from "../../../base/time.js";
import type { Consumer, Delivery } from "../remote-engine.js";
import { type FetchedJob, toTask } from "./job.js";
import type { Leases, Running } from "./leases.js";
import type { Settlements } from "./settlements.js";

const pauseAfterError = 500;
const mostAtOnce = 100;

export interface ConsumerParts {
  readonly pollMs: number;
  readonly fetch: (most: number) => Promise<FetchedJob[]>;
  readonly settlements: Settlements;
  readonly leases: Leases;
  readonly deliver: (delivery: Delivery) => void;
}

export class PgBossConsumer implements Consumer {
  readonly #stopping = new AbortController();
  #credits = 0;
  #fetching: Promise<void> | undefined;
  #wake = new AbortController();

  constructor(private readonly parts: ConsumerParts) {}

  grant(more: number): void {
    this.#credits = Math.max(0, this.#credits + more);
    if (this.#credits > 0) this.#fetching ??= this.#fetch();
  }

  /** There may be jobs now. */
  look(): void {
    this.#wake.abort();
  }

  stop(): void {
    this.#stopping.abort();
  }

  async close(deadlineMs: number): Promise<void> {
    this.stop();
    await inTime(this.#fetching ?? Promise.resolve(), deadlineMs);
    this.parts.leases.stop();
  }

  async #fetch(): Promise<void> {
    while (this.#credits > 0 && !this.#stopping.signal.aborted) {
      this.#wake = new AbortController();
      let pause = 0;
      try {
        const jobs = await this.parts.fetch(Math.min(this.#credits, mostAtOnce));
        if (jobs.length === 0) pause = this.parts.pollMs;
        for (const job of jobs) await this.#take(job);
      } catch {
        // PostgreSQL is away, or comes back.
        pause = pauseAfterError;
      }
      if (pause > 0) await sleep(pause, { signal: AbortSignal.any([this.#wake.signal, this.#stopping.signal]) });
    }
    this.#fetching = undefined;
  }

  async #take(job: FetchedJob): Promise<void> {
    const { settlements, leases, deliver } = this.parts;
    const { tries = 0, settled = 0 } = job.data ?? {};
    const lease = { id: job.id, lease: job.retryCount, tries };
    if (this.#stopping.signal.aborted) {
      // It was fetched in the moment of the stop.
      await settlements.settle(lease, { as: "returned", delayMs: 0 });
      return;
    }
    // Some may have been taken back while the jobs were fetched.
    this.#credits = Math.max(0, this.#credits - 1);
    const running: Running = leases.add(lease);
    deliver({
      task: toTask(job),
      attempt: tries + 1,
      crashes: Math.max(0, job.retryCount - settled),
      lost: running.lost,
      settle: async (verdict) => {
        // Renewed until then.
        const isOurs = await settlements.settle(lease, verdict);
        if (isOurs) leases.delete(running);
        else {
          leases.lose(running);
          throw new Error(`the lock of the job ${job.id} was lost before its end was told`);
        }
      },
    });
  }
}
