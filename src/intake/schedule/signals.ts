// Cancels tasks when the signal of their call aborts. A signal has one listener, however many tasks share it, because Node
// warns of a leak from the eleventh listener on.
import type { Task } from "../../core/task.js";

interface Followed {
  readonly tasks: Set<Task>;
  /** Removes the listener. */
  stop(): void;
}

export class Signals {
  readonly #signals = new Map<Task, AbortSignal>();
  readonly #followed = new Map<AbortSignal, Followed>();

  constructor(private readonly cancel: (task: Task, reason: unknown) => void) {}

  /** Cancels the task when the signal aborts, or at once if it has. */
  follow(task: Task, signal: AbortSignal): void {
    if (signal.aborted) {
      this.cancel(task, signal.reason);
      return;
    }
    const followed = this.#followed.get(signal) ?? this.#listen(signal);
    followed.tasks.add(task);
    this.#signals.set(task, signal);
  }

  /** The task has ended. */
  forget(task: Task): void {
    if (this.#signals.size === 0) return;
    const signal = this.#signals.get(task);
    if (signal === undefined) return;
    this.#signals.delete(task);
    const followed = this.#followed.get(signal);
    followed?.tasks.delete(task);
    if (followed?.tasks.size !== 0) return;
    followed.stop();
    this.#followed.delete(signal);
  }

  #listen(signal: AbortSignal): Followed {
    const tasks = new Set<Task>();
    const abort = () => {
      for (const task of [...tasks]) this.cancel(task, signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    const followed = { tasks, stop: () => signal.removeEventListener("abort", abort) };
    this.#followed.set(signal, followed);
    return followed;
  }
}
