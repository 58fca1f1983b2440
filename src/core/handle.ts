// What a dispatch returns: a look at the accepted task, and the way to cancel it.
import type { TaskState } from "./states.js";
import type { Task } from "./task.js";

/** An accepted task. Dropping it costs nothing: a handle that nobody looks at never causes an unhandledRejection. */
export interface TaskHandle<Result = unknown> {
  /** Unique everywhere; in the thread it is `task.id`, fit as an idempotency key. */
  readonly id: string;
  /** The task's name. */
  readonly task: string;
  readonly state: TaskState;
  /**
   * Cancels the task. One that has not begun ends at once; a running one has its signal aborted, and its thread
   * terminated if it goes on past the grace (`pool.abortGrace`).
   *
   * @param reason words for the AR_CANCELLED error, or an error to be its cause
   * @returns whether it took effect: false once the task has ended
   */
  cancel(reason?: unknown): boolean;
  /**
   * Resolves once the journal holds the task as durably as its option `durability` asks for. Rejects without a journal, and
   * for a callback, which a journal cannot hold.
   */
  readonly durable: Promise<void>;
  /**
   * The task's result. A small one (up to about 4 KiB) is there whenever you ask; a larger one travels to the main thread only
   * when it has been asked for before the task ended, and otherwise rejects with AR_RESULT_NOT_KEPT.
   *
   * @returns a promise; rejects with the task's own error, or an OffloadError that says how it ended
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
