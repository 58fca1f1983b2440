// The dispatch calls: what their arguments mean, and the handle of what was accepted.
import { OffloadError, wrongArgument } from "../../base/errors.js";
import { Handle, type HandleActions, type TaskHandle } from "../../core/handle.js";
import type { Task } from "../../core/task.js";
import type { Callback } from "../../engine/callbacks/callbacks.js";
import { currentResponse, noResponseError } from "../../response/current.js";
import { toServerResponse } from "../../response/response-like.js";
import type { Store } from "../../store/store.js";
import type { HeldResponse } from "../held.js";
import type { Intake } from "../intake.js";
import type { Scheduler } from "../schedule/scheduler.js";
import type { CallbackOptions, DispatchOptions } from "./dispatch-options.js";

export interface CallsParts {
  readonly intake: Intake;
  readonly scheduler: Scheduler;
  readonly store: Store;
  /** Thrown by every call, also by one that would complain of its arguments first: no dispatch is possible in a thread. */
  readonly refusal: OffloadError | undefined;
}

/** Each call is a function of its own, so that it can be destructured. */
export class Calls {
  readonly #parts: CallsParts;
  readonly #taskActions: HandleActions;
  readonly #callbackActions: HandleActions;

  constructor(parts: CallsParts) {
    const { scheduler, store } = parts;
    this.#parts = parts;
    this.#taskActions = {
      cancel: (task, reason) => scheduler.cancel(task, reason),
      result: (task) => scheduler.result(task),
      durable: (task) => {
        if (task.route === "inserted") return this.#forwarded(task);
        return task.route === "forward" ? this.#durable(task) : store.durable();
      },
    };
    this.#callbackActions = {
      ...this.#taskActions,
      async durable() {
        throw new OffloadError("AR_INVALID_ARGUMENT", "a callback is never durable: a journal holds tasks alone");
      },
    };
  }

  /** `(res, name, payload, options)`, or without `res` for the request that is being handled. */
  readonly offloadAfterResponse = (...args: unknown[]): TaskHandle => {
    this.#refuse();
    const named = typeof args[0] === "string";
    const response = named ? theCurrentResponse("offloadAfterResponse") : toServerResponse(args[0]);
    const first = named ? 0 : 1;
    const options = args[first + 2] as DispatchOptions | undefined;
    return this.handleOf(
      this.#parts.intake.task("offloadAfterResponse", args[first] as string, args[first + 1], options, response),
    );
  };

  /** `(res, callback, options)`, or without `res`. */
  readonly runAfterResponse = (...args: unknown[]): TaskHandle => {
    this.#refuse();
    const bare = typeof args[0] === "function";
    const response = bare ? theCurrentResponse("runAfterResponse") : toServerResponse(args[0]);
    const [callback, options] = (bare ? args : args.slice(1)) as [Callback, CallbackOptions?];
    return this.handleOf(this.#parts.intake.callback(callback, options, response));
  };

  readonly offload = (name: string, payload?: unknown, options?: DispatchOptions): TaskHandle =>
    this.handleOf(this.#parts.intake.task("offload", name, payload, options, undefined));

  readonly run = (name: string, payload?: unknown, options?: DispatchOptions): Promise<unknown> => {
    let accepted: Task;
    try {
      accepted = this.#parts.intake.task("run", name, payload, options, undefined);
    } catch (refusal) {
      // Code that awaits a result gets all errors in one place. This is not an async function, because the promise of one would
      // cause an unhandledRejection where nobody awaits a failure, which is logged anyway.
      return Promise.reject(refusal);
    }
    return this.#parts.scheduler.result(accepted);
  };

  /** Cancels all that waits of a name. Throws OffloadError AR_INVALID_ARGUMENT for what is no name. */
  readonly cancel = (name: string, reason?: unknown): number => {
    if (typeof name !== "string" || name === "")
      throw wrongArgument("cancel(name)", "the name of a task or callback, a string", name);
    return this.#parts.scheduler.cancelWaiting(name, reason);
  };

  /** The handle of an accepted task or callback. */
  handleOf(task: Task): TaskHandle {
    return new Handle(task, task.definition.kind === "task" ? this.#taskActions : this.#callbackActions);
  }

  /** The journal has it, or the queue that it leaves for. */
  async #durable(task: Task): Promise<void> {
    const forwarded = this.#forwarded(task);
    try {
      await Promise.any([this.#parts.store.durable(), forwarded]);
    } catch {
      await forwarded;
    }
  }

  async #forwarded(task: Task): Promise<void> {
    try {
      await this.#parts.scheduler.result(task);
    } catch (error) {
      if (task.state !== "forwarded") throw error;
    }
  }

  #refuse(): void {
    if (this.#parts.refusal !== undefined) throw this.#parts.refusal;
  }
}

function theCurrentResponse(call: string): HeldResponse {
  const response = currentResponse();
  if (response === undefined) throw noResponseError(call);
  return response;
}
