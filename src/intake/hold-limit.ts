// How long tasks are held at the most: a queue in the order of the calls, and one timer for its head. A timer for each task
// would cost more than the task.
import { AsyncLocalStorage } from "node:async_hooks";
import { Deque } from "../base/deque.js";
import { since } from "../base/ticks.js";
import type { Clock } from "../base/time.js";
import type { Task } from "../core/task.js";
import type { ResponseWatch } from "../response/watch.js";

/** A task, and the response that it waits for. */
export interface Hold {
  readonly task: Task;
  readonly watch: ResponseWatch;
}

/** How long the timer waits for others to become due, in ms, so that 300 clients that came together make one line of the log. */
const gatherMs = 1_000;
/** Up to this many entries, it is not checked whether their tasks are still held. */
const fewest = 64;

// The timer is set within a request, and what it calls must not see that one.
const outsideOfRequests = AsyncLocalStorage.snapshot();

export class HoldLimit {
  readonly #queue = new Deque<Hold>();
  readonly #overdue: (holds: readonly Hold[]) => void;
  readonly #clock: Clock;
  readonly #usual: number;
  #limit: number;
  #disarm: (() => void) | undefined;
  #sweepAt = fewest;

  /**
   * @param limit in ms; Infinity: none
   * @param overdue called with what is held for longer; it must not throw
   */
  constructor(limit: number, overdue: (holds: readonly Hold[]) => void, clock: Clock) {
    this.#usual = limit;
    this.#limit = limit;
    this.#overdue = overdue;
    this.#clock = clock;
  }

  /** Entries, some of which may be released already. */
  get size(): number {
    return this.#queue.length;
  }

  add(hold: Hold): void {
    if (this.#limit === Number.POSITIVE_INFINITY) return;
    // Most are released within milliseconds, in about their order, so the queue stays short without any look at its middle.
    this.#dropReleased();
    this.#queue.pushBack(hold);
    if (this.#queue.length > this.#sweepAt) this.#sweep();
    if (this.#disarm === undefined) this.#arm();
  }

  /** From now on nothing is held for longer than until the next turn of the event loop. */
  hurry(): void {
    this.#limit = 0;
    this.#disarm?.();
    this.#arm();
  }

  /** The limit is again what it was, for what comes from now on. */
  calm(): void {
    this.#limit = this.#usual;
  }

  /** Nothing is held any more. A timer that goes on waiting would keep everything it refers to in memory. */
  stop(): void {
    this.#disarm?.();
    this.#disarm = undefined;
  }

  #arm(): void {
    const head = this.#queue.peekFront();
    if (head === undefined) {
      this.#disarm = undefined;
      return;
    }
    const gather = Math.min(gatherMs, this.#limit / 10);
    const ms = Math.max(0, this.#limit - since(head.task.acceptedAt)) + gather;
    this.#disarm = outsideOfRequests(() => this.#clock.after(ms, () => this.#look()));
  }

  #look(): void {
    const overdue: Hold[] = [];
    this.#dropReleased();
    for (let head = this.#queue.peekFront(); head !== undefined; head = this.#queue.peekFront()) {
      if (since(head.task.acceptedAt) < this.#limit) break;
      this.#queue.popFront();
      if (isHeld(head)) overdue.push(head);
    }
    if (overdue.length > 0) this.#overdue(overdue);
    this.#dropReleased();
    this.#arm();
  }

  #dropReleased(): void {
    for (let head = this.#queue.peekFront(); head !== undefined && !isHeld(head); head = this.#queue.peekFront()) {
      this.#queue.popFront();
    }
  }

  /** Drops the entries of released tasks, which pile up behind a task that is held for long. */
  #sweep(): void {
    this.#queue.filter(isHeld);
    this.#sweepAt = Math.max(fewest, this.#queue.length * 2);
  }
}

function isHeld({ task }: Hold): boolean {
  return task.state === "held";
}
