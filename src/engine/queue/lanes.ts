// The order of waiting tasks: three lanes, first come first served within each, none starves.
import { Deque } from "../../base/deque.js";
import { VoidEntries } from "../../base/lazy-deletion.js";
import type { Priority } from "../../core/definition.js";
import type { Task } from "../../core/task.js";

// Every so many tasks, one comes from a lane below the one whose turn it is: low gets at least one in 16^2.
const fairness = 16;

export class Lanes {
  readonly #lanes: Record<Priority, Deque<Task>> = { high: new Deque(), normal: new Deque(), low: new Deque() };
  // The orders in which lanes have their turn. Made once, because every task asks.
  readonly #usual = this.#order("high", "normal", "low");
  readonly #normalFirst = this.#order("normal", "high", "low");
  readonly #lowFirst = this.#order("low", "normal", "high");
  readonly #removed = new VoidEntries();
  #taken = 0;
  /** The lane whose turn it is, until something changes: what was peeked at is mostly taken next. */
  #peeked: Deque<Task> | undefined;
  /** Waiting tasks. A field, because it is asked several times for each batch. Only this class changes it. */
  length = 0;

  push(task: Task): void {
    this.#peeked = undefined;
    this.length++;
    this.#lanes[task.dispatch.priority].pushBack(task);
  }

  /** Puts a task at the head of its lane, because it has had its turn already. */
  pushFront(task: Task): void {
    this.#peeked = undefined;
    this.length++;
    this.#lanes[task.dispatch.priority].pushFront(task);
  }

  /** The next task, taken out. */
  take(): Task | undefined {
    const lane = this.#peeked ?? this.#turn();
    this.#taken++;
    return this.#popped(lane);
  }

  /** Takes out the next task, because it may not start now. This does not count as the turn of its lane. */
  setAside(): void {
    this.#popped(this.#turn());
  }

  /** The task that `take` would give. */
  peek(): Task | undefined {
    this.#peeked = this.#turn();
    return this.#peeked?.peekFront();
  }

  /** A task that waits here is about to leave the state `queued`. Its entry stays until its turn or the next sweep. */
  remove(): void {
    // The sweep comes first, because this task is still `queued` and would survive it.
    if (this.#removed.areTooMany(this.#entries)) this.#sweep();
    this.#peeked = undefined;
    this.#removed.add();
    this.length--;
  }

  /** At a shutdown all are removed from the first to the last. Then the heads are enough, at a third of the cost. */
  #sweep(): void {
    const lanes = Object.values(this.#lanes);
    for (const lane of lanes) this.#hasWaiting(lane);
    if (!this.#removed.areTooMany(this.#entries)) return;
    for (const lane of lanes) lane.filter(isWaiting);
    this.#removed.clear();
  }

  /** A waiting task is at the head of the lane. */
  #popped(lane: Deque<Task> | undefined): Task | undefined {
    this.#peeked = undefined;
    if (lane !== undefined) this.length--;
    return lane?.popFront();
  }

  get #entries(): number {
    return this.#lanes.high.length + this.#lanes.normal.length + this.#lanes.low.length;
  }

  /** The lane whose turn it is. A waiting task is at its head. */
  #turn(): Deque<Task> | undefined {
    for (const lane of this.#orderOfThisTurn()) if (this.#hasWaiting(lane)) return lane;
    return undefined;
  }

  #orderOfThisTurn(): readonly Deque<Task>[] {
    if (this.#taken % fairness !== fairness - 1) return this.#usual;
    return this.#taken % (fairness * fairness) === fairness * fairness - 1 ? this.#lowFirst : this.#normalFirst;
  }

  #order(...priorities: Priority[]): readonly Deque<Task>[] {
    return priorities.map((priority) => this.#lanes[priority]);
  }

  #hasWaiting(lane: Deque<Task>): boolean {
    for (let head = lane.peekFront(); head !== undefined; head = lane.peekFront()) {
      if (isWaiting(head)) return true;
      lane.popFront();
      this.#removed.remove();
    }
    return false;
  }
}

function isWaiting(task: Task): boolean {
  return task.state === "queued";
}
