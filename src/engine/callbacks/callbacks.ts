// Callbacks of `runAfterResponse`: closures that run on the main thread, in the order of their release.
import { atEndOfStep, type Clock } from "../../base/time.js";
import type { ResponseOutcome } from "../../core/outcome.js";
import { isNonRetryable } from "../../core/retry/non-retryable.js";
import type { Task } from "../../core/task.js";
import { isRunTraced, runOf, traceRun } from "../../core/trace/trace-run.js";
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

/** Runs on the main thread once a response is over. A promise that it returns is awaited. */
export type Callback = (context: CallbackContext) => unknown;

/** The payload of a callback's task. */
export interface CallbackPayload {
  readonly callback: Callback;
  /** Calls a function in the async context of the call. */
  readonly inContext: <Argument>(code: (argument: Argument) => unknown, argument: Argument) => unknown;
  /** Known once the response is over. */
  outcome: ResponseOutcome | undefined;
}

export interface CallbacksOptions {
  /** The name of the offloader. */
  readonly offloader?: string | undefined;
  /** Callbacks that run at the same time. */
  readonly concurrency: number;
  /** ms that a callback may go on after its signal aborted. */
  readonly abortGrace: number;
  readonly clock?: Clock | undefined;
}

export function createCallbacksEngine(options: CallbacksOptions): Engine {
  // Still in this turn of the event loop: the next one may bring the client's next request.
  const { offloader = "offloader" } = options;
  return new MainThreadEngine({ ...options, name: "callbacks", soon: atEndOfStep }, callbacksOf(offloader));
}

function callbacksOf(offloader: string): Code {
  return {
    load: () => undefined,
    ready: true,
    call(task: Task, signal: AbortSignal): unknown {
      const { callback, inContext, outcome } = task.payload as CallbackPayload;
      const context = { outcome: outcome as ResponseOutcome, signal };
      if (!isRunTraced()) return inContext(callback, context);
      // Within the context of the call, or that would hide what subscribers bind to the run.
      return inContext(() => traceRun(runOf(offloader, task), () => callback(context)), undefined);
    },
    failureOf(thrown: unknown): Failure {
      return { error: thrown, retryable: !isNonRetryable(thrown) };
    },
    async close() {},
  };
}
