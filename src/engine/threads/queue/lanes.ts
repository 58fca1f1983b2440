// The order of the tasks that wait for a thread: three lanes, first come first served within each, none starves.

import { Deque } from "../../../base/deque.js";
import type { Priority } from "../../../core/definition.js";
import type { Task } from "../../../core/task.js";

// Every so many tasks, one comes from a lane below the one whose turn it is: low gets at least one in 16^2.
const fairness = 16;
// Cancelled tasks stay where they are until their turn (taking one out would be O(n)); above this many, and more than
// the living, they are swept.
const sweepAbove = 1_024;

export class Lanes {
  readonly #lanes: Record<Priority, Deque<Task>> = { high: new Deque(), normal: new Deque(), low: new Deque() };
  #taken = 0;
  #dead = 0;

  /** Waiting tasks. */
  get length(): number {
    return this.#lanes.high.length + this.#lanes.normal.length + this.#lanes.low.length - this.#dead;
  }

  push(task: Task): void {
    this.#lanes[task.dispatch.priority].pushBack(task);
  }

  /** Back to the head of its lane: it had its turn already. */
  pushFront(task: Task): void {
    this.#lanes[task.dispatch.priority].pushFront(task);
  }

  /** The next task, taken out. */
  take(): Task | undefined {
    const lane = this.#turn();
    this.#taken++;
    return lane?.popFront();
  }

  /** Takes the next task out that is not to run now: it has not had its turn, nor has its lane. */
  pass(): void {
    this.#turn()?.popFront();
  }

  /** The task that `take` would give. */
  peek(): Task | undefined {
    return this.#turn()?.peekFront();
  }

  /** A task that waits here has been cancelled: its place counts no more. */
  bury(): void {
    this.#dead++;
    if (this.#dead > sweepAbove && this.#dead > this.length) {
      for (const lane of Object.values(this.#lanes)) lane.filter(isWaiting);
      this.#dead = 0;
    }
  }

  /** The lane whose turn it is, its head a living task. */
  #turn(): Deque<Task> | undefined {
    const { high, normal, low } = this.#lanes;
    const order =
      this.#taken % (fairness * fairness) === fairness * fairness - 1
        ? [low, normal, high]
        : this.#taken % fairness === fairness - 1
          ? [normal, high, low]
          : [high, normal, low];
    return order.find((lane) => this.#living(lane));
  }

  #living(lane: Deque<Task>): boolean {
    for (let head = lane.peekFront(); head !== undefined; head = lane.peekFront()) {
      if (isWaiting(head)) return true;
      lane.popFront();
      this.#dead--;
    }
    return false;
  }
}

function isWaiting(task: Task): boolean {
  return task.state === "queued";
}
