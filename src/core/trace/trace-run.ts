// Tells the subscribers of `after-response.run` of one attempt. Node's `tracePromise` would make a promise of every outcome, and a
// batch of tasks that return at once is one synchronous run.
import { since } from "../../base/ticks.js";
import type { Task } from "../task.js";
import { type RunMessage, runChannel } from "./channels.js";

/** Whether somebody subscribes: only then is a message made. */
export function isRunTraced(): boolean {
  return runChannel.start.hasSubscribers;
}

/** The message of an attempt on the main thread. */
export function runOf(offloader: string, task: Task): RunMessage {
  const { id, attempt, definition, replayedId, carrier } = task;
  return {
    offloader,
    task: definition.name,
    kind: definition.kind,
    id,
    attempt,
    replayed: replayedId !== undefined,
    threadId: 0,
    priority: task.dispatch.priority,
    waitMs: since(task.queuedAt, task.startedAt),
    carrier,
  };
}

/** Calls one of the two once the outcome is known. */
export type WhenSettled = (
  outcome: PromiseLike<unknown>,
  fulfilled: (value: unknown) => void,
  rejected: (error: unknown) => void,
) => void;

/**
 * Runs the code of an attempt within the stores that are bound to the channel's `start`: `start`, `end`, and after a promise
 * `asyncStart` and `asyncEnd`; `error` where it failed.
 *
 * @returns what the code returned; throws what it threw
 */
export function traceRun(message: RunMessage, code: () => unknown, whenSettled: WhenSettled = settled): unknown {
  const { start, end, asyncStart, asyncEnd, error } = runChannel;
  const failed = (thrown: unknown): void => {
    message.error = thrown;
    error.publish(message);
  };
  const over = (): void => {
    asyncStart.publish(message);
    asyncEnd.publish(message);
  };
  return start.runStores(message, () => {
    try {
      const outcome = code();
      if (!isThenable(outcome)) {
        message.result = outcome;
        return outcome;
      }
      whenSettled(
        outcome,
        (value) => {
          message.result = value;
          over();
        },
        (thrown) => {
          failed(thrown);
          over();
        },
      );
      return outcome;
    } catch (thrown) {
      failed(thrown);
      throw thrown;
    } finally {
      end.publish(message);
    }
  });
}

function settled(
  outcome: PromiseLike<unknown>,
  fulfilled: (value: unknown) => void,
  rejected: (error: unknown) => void,
): void {
  void outcome.then(fulfilled, rejected);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof Reflect.get(value, "then") === "function";
}
