// Tasks that wait for their next attempt: a heap in the order of their due times, and one timer for the first.
import { VoidEntries } from "../../base/lazy-deletion.js";
import { type Clock, realClock } from "../../base/time.js";
import type { Task } from "../task.js";

interface Entry {
  readonly due: number;
  readonly task: Task;
}

/** How long tasks are released in one turn of the event loop, in ms. The others wait for the next turn. */
const turnMs = 2;

export class Delayed {
  #heap: Entry[] = [];
  readonly #removed = new VoidEntries();
  #disarm: (() => void) | undefined;

  constructor(
    private readonly onDue: (task: Task) => void,
    private readonly clock: Clock = realClock,
  ) {}

  add(task: Task, delayMs: number): void {
    const entry = { due: this.clock.now() + delayMs, task };
    this.#heap.push(entry);
    this.#rise(this.#heap.length - 1);
    if (this.#heap[0] === entry) this.#arm();
  }

  /** A task has left the state `delayed` before its time. Its entry stays until it is due or the next sweep. */
  removed(): void {
    this.#removed.add();
    if (this.#removed.areTooMany(this.#heap.length)) {
      // Sorted, it is a heap.
      this.#heap = this.#heap.filter(isWaiting).sort((a, b) => a.due - b.due);
      this.#removed.clear();
    }
    const [head] = this.#heap;
    if (head === undefined || !isWaiting(head)) this.#arm();
  }

  /** Sets the timer for the first task that waits. Without one there is no timer, because a timer keeps the process alive. */
  #arm(): void {
    this.#disarm?.();
    for (let head = this.#heap[0]; head !== undefined && !isWaiting(head); head = this.#heap[0]) {
      this.#pop();
      this.#removed.remove();
    }
    const head = this.#heap[0];
    this.#disarm = head && this.clock.after(Math.max(0, head.due - this.clock.now()), () => this.#release());
  }

  #release(): void {
    const startedAt = this.clock.now();
    for (let head = this.#heap[0]; head !== undefined && head.due <= startedAt; head = this.#heap[0]) {
      if (this.clock.now() - startedAt > turnMs) break;
      this.#pop();
      if (isWaiting(head)) this.onDue(head.task);
      else this.#removed.remove();
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

function isWaiting({ task }: Entry): boolean {
  return task.state === "delayed";
}
