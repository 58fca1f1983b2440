// Callbacks of `runAfterResponse`: closures that run on the main thread, in the order of their release.
import { atEndOfStep, type Clock } from "../../base/time.js";
import type { ResponseOutcome } from "../../core/outcome.js";
import { isNonRetryable } from "../../core/retry/non-retryable.js";
import type { Task } from "../../core/task.js";
import type { Engine } from "../engine.js";
import type { Code, Failure } from "../main-thread/code.js";
import { MainThreadEngine } from "../main-thread/main-thread-engine.js";

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

export interface CallbacksOptions {
  /** Callbacks that run at the same time. */
  readonly concurrency: number;
  /** ms that a callback may go on after its signal aborted. */
  readonly abortGrace: number;
  readonly clock?: Clock | undefined;
}

export function createCallbacksEngine(options: CallbacksOptions): Engine {
  // Still in this turn of the event loop: the next one may bring the client's next request.
  return new MainThreadEngine({ ...options, name: "callbacks", soon: atEndOfStep }, callbacks);
}

const callbacks: Code = {
  load: () => undefined,
  ready: true,
  call(task: Task, signal: AbortSignal): unknown {
    const { callback, outcome } = task.payload as CallbackPayload;
    return callback({ outcome: outcome as ResponseOutcome, signal });
  },
  failureOf(thrown: unknown): Failure {
    return { error: thrown, retryable: !isNonRetryable(thrown) };
  },
  async close() {},
};
