// The unfinished tasks, oldest first: a linked list through the tasks, because a Set of 1,000,000 tasks costs as much memory as
// the tasks.
import type { Task } from "./task.js";

export class UnfinishedList {
  #first: Task | undefined;
  #last: Task | undefined;
  /** The last task that an earlier process had accepted. Those are before all others, because they are older. */
  #lastReplayed: Task | undefined;

  add(task: Task): void {
    const before = task.replayedId === undefined ? this.#last : this.#lastReplayed;
    const after = before === undefined ? this.#first : before.after;
    task.before = before;
    task.after = after;
    if (before === undefined) this.#first = task;
    else before.after = task;
    if (after === undefined) this.#last = task;
    else after.before = task;
    if (task.replayedId !== undefined) this.#lastReplayed = task;
  }

  remove(task: Task): void {
    if (this.#lastReplayed === task) this.#lastReplayed = task.before;
    if (task.before === undefined) this.#first = task.after;
    else task.before.after = task.after;
    if (task.after === undefined) this.#last = task.before;
    else task.after.before = task.before;
    task.before = undefined;
    task.after = undefined;
  }

  /** The tasks from the oldest on, at most `max` of them. */
  list(max: number): Task[] {
    const tasks: Task[] = [];
    for (let task = this.#first; task !== undefined && tasks.length < max; task = task.after) tasks.push(task);
    return tasks;
  }

  /** The running tasks, oldest first. `count`: how many there are. */
  running(count: number): Task[] {
    const tasks: Task[] = [];
    // Most of them are at the head of the list, so its length does not matter.
    for (let task = this.#first; task !== undefined && tasks.length < count; task = task.after) {
      if (task.state === "running") tasks.push(task);
    }
    return tasks;
  }

  /** Whether a task passes a test. Looks from the oldest on, and no further than to the first that does. */
  some(test: (task: Task) => boolean): boolean {
    for (let task = this.#first; task !== undefined; task = task.after) if (test(task)) return true;
    return false;
  }
}
