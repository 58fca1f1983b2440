// Tasks that wait for their next attempt: a heap by due time and one timer for its head.
import type { Task } from "./task.js";

interface Entry {
  readonly due: number;
  readonly task: Task;
}

// As in the lanes: above this many, and more than the living, the dead entries are swept out.
const sweepAbove = 1_024;

/** The clock and timer, to be replaced in tests. */
export interface Timing {
  now(): number;
  /** Calls `callback` after `ms`; returns what prevents it. */
  after(ms: number, callback: () => void): () => void;
}

/** A delayed task keeps the process alive: it was accepted. */
export const realTiming: Timing = {
  now: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

export class Delayed {
  #heap: Entry[] = [];
  #living = 0;
  #disarm: (() => void) | undefined;

  constructor(
    private readonly onDue: (task: Task) => void,
    private readonly timing: Timing = realTiming,
  ) {}

  add(task: Task, delayMs: number): void {
    const entry = { due: this.timing.now() + delayMs, task };
    this.#heap.push(entry);
    this.#living++;
    this.#rise(this.#heap.length - 1);
    if (this.#heap[0] === entry) this.#arm();
  }

  /** A task has left the delayed state in another way. Its entry stays until its turn, or until too many are dead. */
  forget(): void {
    this.#living--;
    if (this.#heap.length - this.#living > sweepAbove && this.#heap.length > 2 * this.#living) {
      // Sorted, it is a heap.
      this.#heap = this.#heap.filter(isAlive).sort((a, b) => a.due - b.due);
    }
    const [head] = this.#heap;
    if (head !== undefined && !isAlive(head)) this.#arm();
  }

  /** Sets the timer for the first living entry; without one there is no timer, or it would keep the process for nobody. */
  #arm(): void {
    this.#disarm?.();
    for (let head = this.#heap[0]; head !== undefined && !isAlive(head); head = this.#heap[0]) this.#pop();
    const head = this.#heap[0];
    this.#disarm = head && this.timing.after(Math.max(0, head.due - this.timing.now()), () => this.#release());
  }

  #release(): void {
    const now = this.timing.now();
    for (let head = this.#heap[0]; head !== undefined && head.due <= now; head = this.#heap[0]) {
      this.#pop();
      if (!isAlive(head)) continue;
      this.#living--;
      this.onDue(head.task);
    }
    this.#arm();
  }

  #pop(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink(0);
  }

  #rise(index: number): void {
    const parent = (index - 1) >> 1;
    if (index > 0 && this.#due(index) < this.#due(parent)) {
      this.#swap(index, parent);
      this.#rise(parent);
    }
  }

  #sink(index: number): void {
    const left = 2 * index + 1;
    const child = this.#due(left + 1) < this.#due(left) ? left + 1 : left;
    if (this.#due(child) < this.#due(index)) {
      this.#swap(index, child);
      this.#sink(child);
    }
  }

  #due(index: number): number {
    return this.#heap[index]?.due ?? Number.POSITIVE_INFINITY;
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#heap[a], this.#heap[b]];
    if (first === undefined || second === undefined) return;
    this.#heap[a] = second;
    this.#heap[b] = first;
  }
}

function isAlive({ task }: Entry): boolean {
  return task.state === "delayed";
}
