// Runs callbacks on the main thread: a bounded number at a time, in the order of their release, each isolated from the others.

import { Deque } from "../../base/deque.js";
import type { OffloadError } from "../../base/errors.js";
import { Attempts, endsToBeRetried, timeoutError } from "../../core/attempts.js";
import { Delayed } from "../../core/delayed.js";
import type { Ledger } from "../../core/ledger.js";
import type { ResponseOutcome } from "../../core/outcome.js";
import { isFinal } from "../../core/states.js";
import { name, type Task } from "../../core/task.js";

/** What a callback of `runAfterResponse` is given. */
export interface CallbackContext {
  /** How the response ended. */
  readonly outcome: ResponseOutcome;
  /** Aborts on timeout, cancel and the shutdown deadline. */
  readonly signal: AbortSignal;
}

export type Callback = (context: CallbackContext) => unknown;

/** The payload of a callback's task. */
export interface CallbackPayload {
  /** The callback, bound to the async context of the call. */
  readonly callback: Callback;
  /** Known once the response is over. */
  outcome: ResponseOutcome | undefined;
}

// As in the lanes of the tasks: above this many, and more than the living, the cancelled are swept out.
const sweepAbove = 1_024;

interface Run {
  readonly controller: AbortController;
  readonly startedAt: number;
  timer: NodeJS.Timeout | undefined;
}

export class Callbacks {
  readonly #waiting = new Deque<Task>();
  readonly #running = new Map<Task, Run>();
  readonly #attempts: Attempts;
  readonly #delayed: Delayed;
  #pumping = false;
  /** Cancelled while they waited, since the last sweep. */
  #buried = 0;

  constructor(
    private readonly ledger: Ledger,
    /** How many run at the same time. */
    private readonly concurrency: number,
    /** ms that a callback may go on after its signal aborted, before it is given up: nothing can end it. */
    private readonly abortGrace: number,
  ) {
    this.#delayed = new Delayed((task) => this.add(task));
    this.#attempts = new Attempts(ledger, (task, delayMs, error, runMs) => {
      ledger.delayed(task, delayMs, error, runMs);
      this.#delayed.add(task, delayMs);
    });
  }

  /** A callback whose response is over, or whose delay is. */
  add(task: Task): void {
    // In its place before anybody is told of it, for a listener may cancel it.
    this.#waiting.pushBack(task);
    this.ledger.queued(task);
    // Still in this turn of the event loop: the next one may bring the client's next request.
    this.#pumpSoon(process.nextTick);
  }

  /** Ends a waiting callback by `finish`. */
  withdraw(task: Task, finish: () => void): void {
    const wasDelayed = task.state === "delayed";
    finish();
    if (wasDelayed) this.#delayed.forget();
    else this.#bury();
  }

  /** Aborts the signal of a running callback; it ends as `reason` says once it has stopped, at the latest after the grace. */
  abort(task: Task, reason: OffloadError): boolean {
    const run = this.#running.get(task);
    const endsAlready = task.abortedBy !== undefined;
    if (run === undefined || (endsAlready && !endsToBeRetried(task))) return false;
    task.abortedBy = reason;
    if (endsAlready) return true;
    run.controller.abort(reason);
    clearTimeout(run.timer);
    run.timer = setTimeout(
      () => this.#ended(task, run, () => this.#attempts.failed(task, reason, true, elapsed(run))),
      this.abortGrace,
    );
    return true;
  }

  abortAll(reason: OffloadError): void {
    for (const task of [...this.#running.keys()]) this.abort(task, reason);
  }

  /** A callback that waits has been cancelled; it stays where it is until its turn, or until there are too many of them. */
  #bury(): void {
    this.#buried++;
    if (this.#buried <= sweepAbove || this.#buried < this.#waiting.length / 2) return;
    this.#waiting.filter(isQueued);
    this.#buried = 0;
  }

  /** Never within the call that added: a callback runs after the code that registered it. */
  #pumpSoon(later: (pump: () => void) => void): void {
    if (this.#pumping) return;
    this.#pumping = true;
    later(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#running.size < this.concurrency) {
      const task = this.#waiting.popFront();
      if (task === undefined) return;
      if (isQueued(task)) this.#start(task);
    }
  }

  #start(task: Task): void {
    const { callback, outcome } = task.payload as CallbackPayload;
    const run: Run = { controller: new AbortController(), startedAt: performance.now(), timer: undefined };
    this.#running.set(task, run);
    const { timeout } = task.dispatch;
    if (timeout > 0) run.timer = setTimeout(() => this.abort(task, timeoutError(name(task), timeout)), timeout);
    // After its timer is set, for a listener may abort it.
    this.ledger.started(task);
    // An async function, so that a callback that throws at once fails in the same way as one that rejects.
    const running = (async () => callback({ outcome: outcome as ResponseOutcome, signal: run.controller.signal }))();
    running.then(
      (value) => this.#ended(task, run, () => this.#attempts.succeeded(task, value, elapsed(run))),
      (error: unknown) =>
        this.#ended(task, run, () => this.#attempts.failed(task, error, isRetryable(error), elapsed(run))),
    );
  }

  /** The first end counts: of the callback itself, or of the grace after its abort. */
  #ended(task: Task, run: Run, settle: () => void): void {
    if (this.#running.get(task) !== run) return;
    clearTimeout(run.timer);
    this.#running.delete(task);
    if (!isFinal(task.state)) settle();
    // One that ends at once must not have the others keep I/O waiting.
    this.#pumpSoon(setImmediate);
  }
}

function isQueued(task: Task): boolean {
  return task.state === "queued";
}

function elapsed(run: Run): number {
  return performance.now() - run.startedAt;
}

/** A NonRetryableError says that another attempt is of no use. */
function isRetryable(error: unknown): boolean {
  return !(
    typeof error === "object" &&
    error !== null &&
    Symbol.for("offload-after-response.NonRetryableError") in error
  );
}
