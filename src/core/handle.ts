// What a dispatch returns: a view of the accepted task, and the way to cancel it.
import type { TaskState } from "./states.js";
import type { Task } from "./task.js";

/** An accepted task. A handle that nobody uses costs nothing and never causes an unhandledRejection. */
export interface TaskHandle<Result = unknown> {
  /** Unique everywhere, and the same on every attempt: usable as an idempotency key. In the thread it is `task.id`. */
  readonly id: string;
  /** The task's name; for a callback the name of its function. */
  readonly task: string;
  /** Where the task is at this moment. */
  readonly state: TaskState;
  /**
   * Cancels the task. One that has not begun ends at once. One that runs has its signal aborted; if it still runs after
   * `pool.abortGrace` ms, its thread is terminated.
   *
   * @param reason text for the message of the AR_CANCELLED error; an error, whose message is used, becomes its `cause`
   * @returns whether it took effect: false when the task has ended
   */
  cancel(reason?: unknown): boolean;
  /**
   * Resolves when the journal holds the task as durably as its option `durability` says, or when the queue of the option `engine`
   * has it; with the option `transaction`, when the statement was executed. Rejects with AR_INVALID_OPTIONS without either, with AR_INVALID_ARGUMENT for a callback, because a journal cannot hold a closure, and when the disk
   * or the database refuses.
   */
  readonly durable: Promise<void>;
  /**
   * The task's result. A small one (up to about 4 KiB) can be had at any time. A larger one travels to the main thread only if
   * this was called before the task ended.
   *
   * @returns always the same promise; rejects with the task's own error, with AR_RESULT_NOT_KEPT where a large result was not
   *   asked for in time, or with an OffloadError that says how the task ended
   */
  result(): Promise<Result>;
}

/** What a handle asks of the offloader. */
export interface HandleActions {
  cancel(task: Task, reason: unknown): boolean;
  result(task: Task): Promise<unknown>;
  durable(task: Task): Promise<void>;
}

export class Handle implements TaskHandle {
  readonly #task: Task;
  readonly #actions: HandleActions;

  constructor(task: Task, actions: HandleActions) {
    this.#task = task;
    this.#actions = actions;
  }

  get id(): string {
    return this.#task.id;
  }

  get task(): string {
    return this.#task.definition.name;
  }

  get state(): TaskState {
    return this.#task.state;
  }

  cancel(reason?: unknown): boolean {
    return this.#actions.cancel(this.#task, reason);
  }

  get durable(): Promise<void> {
    return this.#actions.durable(this.#task);
  }

  result(): Promise<unknown> {
    return this.#actions.result(this.#task);
  }
}
