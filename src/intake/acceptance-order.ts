// A task of an earlier process may come back when its key is taken. As at a call, the later of two decides: with "replace"
// the earlier one is not run, unless it runs already; else each runs, one after the other.

import { since } from "../base/ticks.js";
import type { Task } from "../core/task.js";
import type { StoredTask } from "../store/store.js";

// Both times are rounded, in ms. Where they are as close as that, this process's own task counts as the later.
const inDoubt = 2;

export class AcceptanceOrder {
  /** ms since 1970, of tasks that this process has not accepted itself. */
  readonly #acceptedAt = new WeakMap<Task, number>();

  /**
   * A task has come back.
   *
   * @param others unfinished ones with its key
   * @returns those that are to be cancelled: itself, or some of the others, or none
   */
  cameBack(task: Task, { retries, acceptedAt }: StoredTask, others: readonly Task[]): readonly Task[] {
    // A dead letter had its turn, whenever it is run again: what others say of its key is newer.
    this.#acceptedAt.set(task, retries > 0 ? 0 : acceptedAt);
    const isLater = (other: Task): boolean => this.#timeOf(other) > this.#timeOf(task);
    if (others.some((other) => replaces(other) && isLater(other))) return [task];
    return replaces(task) ? others.filter((other) => other.state !== "running" && !isLater(other)) : [];
  }

  #timeOf(task: Task): number {
    const acceptedAt = this.#acceptedAt.get(task);
    if (acceptedAt !== undefined) return acceptedAt;
    // Its age first: should the process be held up between the two, the task then counts as later, and not as earlier.
    const age = since(task.acceptedAt);
    return Date.now() - age + inDoubt;
  }
}

function replaces({ dispatch }: Task): boolean {
  return dispatch.onDuplicate === "replace";
}
