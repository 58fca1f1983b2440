// Tells PostgreSQL how attempts have ended: what comes while a statement is under way goes with the next one.
import { type Deferred, deferred } from "../../../base/deferred.js";
import { wallClock } from "../../../base/time.js";
import type { Verdict } from "../remote-engine.js";
import type { Rows } from "./connections.js";

/** A job that this worker has fetched. */
export interface Lease {
  readonly id: string;
  readonly lease: number;
  /** Attempts that had failed before. */
  readonly tries: number;
}

/** What the statement that settles is given of a job. */
export interface SettledRow extends Lease {
  readonly state: "completed" | "retry" | "failed";
  /** ms. */
  readonly delay?: number;
  readonly output?: object;
}

const most = 500;
const longestText = 10_000;

export class Settlements {
  readonly #waiting: { readonly row: SettledRow; readonly settled: Deferred<boolean> }[] = [];
  #isRunning = false;

  /** @param write executes the statement; returns the rows that it has changed */
  constructor(private readonly write: (rows: readonly SettledRow[]) => Promise<Rows>) {}

  /** @returns whether the lease was still ours; rejects if PostgreSQL cannot be reached */
  settle(lease: Lease, verdict: Verdict): Promise<boolean> {
    const settled = deferred<boolean>();
    this.#waiting.push({ row: rowOf(lease, verdict), settled });
    if (!this.#isRunning) void this.#run();
    return settled.promise;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    // Those that end in the same turn go together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, most);
      try {
        const changed = new Set((await this.write(batch.map(({ row }) => row))).map(({ id }) => id));
        for (const { row, settled } of batch) settled.resolve(changed.has(row.id));
      } catch (error) {
        for (const { settled } of batch) settled.reject(error);
      }
    }
    this.#isRunning = false;
  }
}

/** Whether another worker may begin with it at once. */
export function isGivenBack({ state, delay }: SettledRow): boolean {
  return state === "retry" && delay === 0;
}

function rowOf({ id, lease, tries }: Lease, verdict: Verdict): SettledRow {
  switch (verdict.as) {
    case "succeeded":
      return { id, lease, tries, state: "completed" };
    case "returned":
      return { id, lease, tries, state: "retry", delay: verdict.delayMs };
    case "retry": {
      const output = outputOf(verdict.error);
      return { id, lease, tries: tries + 1, state: "retry", delay: verdict.delayMs, output };
    }
    case "failed": {
      const output = { reason: verdict.reason, failedAt: wallClock(), ...outputOf(verdict.error) };
      return { id, lease, tries: tries + 1, state: "failed", output };
    }
  }
}

function outputOf({ name, message, stack = "" }: Error): object {
  return { name: text(name), message: text(message), stack: text(stack) };
}

/** PostgreSQL's jsonb refuses NULs and lone surrogates. */
function text(given: unknown): string {
  return String(given)
    .slice(0, longestText)
    .replace(/[\0\ud800-\udfff]/gu, "\ufffd");
}
