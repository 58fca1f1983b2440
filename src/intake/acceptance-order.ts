// A task of an earlier process may come back when its key is taken. As at a call, the task that was accepted later decides:
// with "replace" the earlier one is cancelled, unless it runs already; otherwise both run, one after the other.
import { since } from "../base/ticks.js";
import { wallClock } from "../base/time.js";
import type { Task } from "../core/task.js";
import type { StoredTask } from "../store/store.js";

// In ms. Both times are rounded. Where they are this close, the task of this process counts as the later one.
const inDoubt = 2;

export class AcceptanceOrder {
  /** When tasks of earlier processes were accepted, in ms since 1970. */
  readonly #acceptedAt = new WeakMap<Task, number>();

  /**
   * A task has come back.
   *
   * @param others the other unfinished tasks with its key
   * @returns the tasks to be cancelled: itself, or some of the others, or none
   */
  cameBack(task: Task, { retries, acceptedAt }: StoredTask, others: readonly Task[]): readonly Task[] {
    // A dead letter had its turn already, so every other task with its key is newer.
    this.#acceptedAt.set(task, retries > 0 ? 0 : acceptedAt);
    const isLater = (other: Task): boolean => this.#timeOf(other) > this.#timeOf(task);
    if (others.some((other) => replaces(other) && isLater(other))) return [task];
    return replaces(task) ? others.filter((other) => other.state !== "running" && !isLater(other)) : [];
  }

  #timeOf(task: Task): number {
    const acceptedAt = this.#acceptedAt.get(task);
    if (acceptedAt !== undefined) return acceptedAt;
    // The age is read first: if the process is held up before it reads the clock, the task counts as later, and not as earlier.
    const age = since(task.acceptedAt);
    return wallClock() - age + inDoubt;
  }
}

function replaces({ dispatch }: Task): boolean {
  return dispatch.onDuplicate === "replace";
}
