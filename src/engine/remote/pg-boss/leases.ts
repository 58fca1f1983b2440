// What this worker has fetched and not settled. Leases are renewed, those that are lost are told of, and those of dead workers are
// taken away. pg-boss would do the last by a scan of all queues every two minutes, without renewals.

import { clearTicker, now, setTicker } from "../../../base/time.js";
import { Loss, lockHasEnded } from "../thread/loss.js";
import type { Rows } from "./connections.js";
import type { Lease } from "./settlements.js";

export interface Running extends Lease {
  readonly lost: Loss;
  /** When the last renewal was sent. */
  renewedAt: number;
}

export interface LeasesParts {
  readonly lockMs: number;
  /** @returns the rows that are still ours */
  readonly renew: (running: readonly object[]) => Promise<Rows>;
  /** Takes tasks away from workers that are out of touch, and deletes what was kept for long enough. */
  readonly tidy: () => Promise<void>;
}

export class Leases {
  readonly #running = new Set<Running>();
  readonly #stop: () => void;

  constructor(private readonly parts: LeasesParts) {
    const ticker = setTicker(() => void this.#tick().catch(() => {}), parts.lockMs / 3);
    this.#stop = () => clearTicker(ticker);
  }

  add(lease: Lease): Running {
    const running = { ...lease, lost: new Loss(), renewedAt: now() };
    this.#running.add(running);
    return running;
  }

  delete(running: Running): void {
    this.#running.delete(running);
  }

  lose(running: Running): void {
    this.#running.delete(running);
    running.lost.happen(new Error(`the lock of the job ${running.id} is lost`));
  }

  stop(): void {
    this.#stop();
  }

  async #tick(): Promise<void> {
    const sentAt = now();
    // Without an answer for as long as a lock lasts, somebody else may have the task.
    for (const one of this.#running) if (lockHasEnded(one.renewedAt, sentAt, this.parts.lockMs)) this.lose(one);
    const running = [...this.#running];
    if (running.length > 0) {
      const rows = await this.parts.renew(running.map(({ id, lease }) => ({ id, lease })));
      const ours = new Set(rows.map(({ id }) => id));
      for (const one of running) {
        if (ours.has(one.id)) one.renewedAt = sentAt;
        else if (this.#running.has(one)) this.lose(one);
      }
    }
    await this.parts.tidy();
  }
}
