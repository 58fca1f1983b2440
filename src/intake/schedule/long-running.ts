// Tasks and callbacks that have been running for long without a timeout, so that nothing ends them. There is one timer for all,
// which looks at what runs when it fires: a task that ends in time costs nothing.
import { AsyncLocalStorage } from "node:async_hooks";
import type { Logger } from "../../base/logger.js";
import { since, ticks } from "../../base/ticks.js";
import { afterFairTime, backgroundClock, type Clock, wallClock } from "../../base/time.js";
import type { Ledger } from "../../core/ledger.js";
import { lines, write } from "../../core/log/lines.js";
import type { Task } from "../../core/task.js";
import type { Definitions } from "../definitions.js";

export interface LongRunningParts {
  readonly ledger: Ledger;
  readonly definitions: Definitions;
  readonly logger: Logger;
  /** How long a task runs before it is reported, in ms; Infinity: none is. */
  readonly limit: number;
  readonly clock?: Clock | undefined;
}

/** How long the timer waits for others to become due, in ms, so that they share a line of the log. */
const gatherMs = 1_000;
/** Ids in one line of the log. Each task has an event of its own. */
const mostIds = 20;

// The timer is set within a request, and what it calls must not see that one.
const outsideOfRequests = AsyncLocalStorage.snapshot();

export class LongRunning {
  readonly #parts: LongRunningParts;
  readonly #clock: Clock;
  readonly #gather: number;
  /** Those that were reported and still run, each with the time of running, in ms, at which it is reported again. */
  readonly #reported = new Map<Task, number>();
  #isArmed: boolean;
  #disarm: (() => void) | undefined;

  constructor(parts: LongRunningParts) {
    this.#parts = parts;
    this.#clock = parts.clock ?? backgroundClock;
    this.#gather = Math.min(gatherMs, parts.limit / 10);
    this.#isArmed = parts.limit === Number.POSITIVE_INFINITY;
  }

  /** How many there are now. */
  get count(): number {
    return this.#reported.size;
  }

  /** A task has been started. */
  started(): void {
    if (!this.#isArmed) this.#arm(this.#parts.limit);
  }

  /** A task runs no longer. */
  left(task: Task): void {
    if (this.#reported.size > 0) this.#reported.delete(task);
  }

  /** The offloader is closed. A timer that goes on waiting would keep everything it refers to in memory. */
  stop(): void {
    this.#disarm?.();
    this.#isArmed = true;
  }

  #arm(ms: number): void {
    this.#isArmed = true;
    // After a stop of the process, ends that came in time may still be unread.
    this.#disarm = outsideOfRequests(() => afterFairTime(ms + this.#gather, () => this.#look(), this.#clock));
  }

  #look(): void {
    const { ledger, limit } = this.#parts;
    const at = ticks(this.#clock.now());
    const running = ledger.running();
    const due = new Map<string, Task[]>();
    let next = limit;
    for (const task of running) {
      if (task.dispatch.timeout > 0) continue;
      const runMs = since(task.startedAt, at);
      let again = this.#reported.get(task) ?? limit;
      if (runMs >= again) {
        const { kind, name } = task.definition;
        due.set(`${kind} ${name}`, [...(due.get(`${kind} ${name}`) ?? []), task]);
        while (again <= runMs) again *= 2;
        this.#reported.set(task, again);
      }
      next = Math.min(next, again - runMs);
    }
    if (running.length > 0) this.#arm(next);
    else this.#isArmed = false;
    for (const tasks of due.values()) this.#report(tasks, at);
  }

  /** Tasks of one name share a line of the log. Each has an event of its own. */
  #report(tasks: readonly Task[], at: number): void {
    const { ledger, definitions, logger } = this.#parts;
    const runs = tasks.map((task) => Math.round(since(task.startedAt, at)));
    const runMs = Math.max(...runs);
    const [first] = tasks;
    if (first === undefined) return;
    const { name, kind } = first.definition;
    const waiting = definitions.queued(kind);
    const ids = tasks.slice(0, mostIds).map(({ id }) => id);
    const startedAt = new Date(wallClock() - runMs).toISOString();
    const fields = { task: name, kind, count: tasks.length, ids, since: startedAt, runMs, waiting };
    write(logger, lines.longRunning, fields, { kind });
    for (const [index, task] of tasks.entries()) ledger.longRunning(task, runs[index] ?? 0, waiting);
  }
}
