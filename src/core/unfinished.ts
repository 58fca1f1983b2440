// The unfinished tasks, oldest first. They are a linked list, because a Set of 1,000,000 tasks costs as much memory as the tasks.
import { since, ticks } from "../base/ticks.js";
import type { Task } from "./task.js";

/** Every so many tasks one is marked, so that a task is found by its number without a walk over the whole list. */
const markEvery = 1_024;

export class UnfinishedTasks {
  #first: Task | undefined;
  #last: Task | undefined;
  /** The last task that an earlier process had accepted. Those are before all others in the list, because they are older. */
  #lastReplayed: Task | undefined;
  /** Those that an earlier process had accepted, by id. */
  readonly #replayed = new Map<string, Task>();
  /** Unfinished tasks whose number is a multiple of `markEvery`, in the order of their numbers. */
  readonly #marks: Task[] = [];

  /** Adds a task that was accepted. */
  link(task: Task): void {
    const isReplayed = task.replayedId !== undefined;
    const before = isReplayed ? this.#lastReplayed : this.#last;
    const after = before === undefined ? this.#first : before.after;
    task.before = before;
    task.after = after;
    if (before === undefined) this.#first = task;
    else before.after = task;
    if (after === undefined) this.#last = task;
    else after.before = task;
    if (isReplayed) {
      this.#lastReplayed = task;
      this.#replayed.set(task.id, task);
    } else if (task.seq % markEvery === 0) {
      this.#marks.push(task);
    }
  }

  /** Takes out a task that has ended. */
  unlink(task: Task): void {
    if (task.replayedId !== undefined) {
      if (this.#lastReplayed === task) this.#lastReplayed = task.before;
      // A task that has lost its lock may end here after it has been delivered here again.
      if (this.#replayed.get(task.id) === task) this.#replayed.delete(task.id);
    } else if (task.seq % markEvery === 0) {
      this.#marks.splice(this.#marks.indexOf(task), 1);
    }
    if (task.before === undefined) this.#first = task.after;
    else task.before.after = task.after;
    if (task.after === undefined) this.#last = task.before;
    else task.after.before = task.before;
    task.before = undefined;
    task.after = undefined;
  }

  /** In their order; the walk ends with the caller's. */
  *all(): Generator<Task> {
    for (let task = this.#first; task !== undefined; task = task.after) yield task;
  }

  /**
   * The first tasks that fit, at most `max` of them. The walk ends with the last one that it looks for, and most of them are at
   * the head of the list, so its length seldom matters.
   */
  list(max: number, fits: (task: Task) => boolean = () => true): Task[] {
    const tasks: Task[] = [];
    for (let task = this.#first; task !== undefined && tasks.length < max; task = task.after) {
      if (fits(task)) tasks.push(task);
    }
    return tasks;
  }

  /** The task with this number, which this process accepted. */
  bySeq(seq: number): Task | undefined {
    let from = this.#lastReplayed === undefined ? this.#first : this.#lastReplayed.after;
    for (const mark of this.#marks) {
      if (mark.seq > seq) break;
      from = mark;
    }
    // Tasks that a payload's getter dispatches are accepted before the one with the payload, so the order is not strict.
    for (let task = from; task !== undefined && task.seq <= seq + markEvery; task = task.after) {
      if (task.seq === seq) return task;
    }
    return undefined;
  }

  /** How many an earlier process had accepted. */
  get replayed(): number {
    return this.#replayed.size;
  }

  /** The task that an earlier process accepted under this id. */
  byReplayedId(id: string): Task | undefined {
    return this.#replayed.get(id);
  }

  /**
   * How long the queued task that has been queued for longest has been so, in ms; 0 without one. Nobody is queued before it is
   * accepted, so the walk ends with the first task that is younger than what was found.
   */
  oldestQueuedMs(): number {
    const at = ticks();
    let oldest = -1;
    for (let task = this.#first; task !== undefined && since(task.acceptedAt, at) > oldest; task = task.after) {
      if (task.state === "queued") oldest = Math.max(oldest, since(task.queuedAt, at));
    }
    return Math.max(0, oldest);
  }
}
