// A task that workers have died with runs alone: its process has no other task from the queue meanwhile, because the next death would count
// for all of them.
import { clearTimer, microtask, setTimer, type Timer } from "../../../base/time.js";

export class Alone {
  /** The number of its delivery, while it waits or runs. */
  #number: number | undefined;
  #begin: (() => void) | undefined;
  #waiting: Timer | undefined;

  /** @param patienceMs so long it waits until what runs has ended; then it begins beside the others, because a task may take hours */
  constructor(private readonly patienceMs = 30_000) {}

  /** Whether there is such a task. No other one is to be taken then. */
  get isTaken(): boolean {
    return this.#number !== undefined;
  }

  /** @param begin called once, after `isFree()` or when it has waited for long enough */
  wait(number: number, begin: () => void): void {
    this.#number = number;
    this.#begin = begin;
    this.#waiting = setTimer(() => this.#start(), this.patienceMs).unref();
  }

  /** Nothing else is here any more. It begins, but not within this call. */
  isFree(): void {
    if (this.#begin !== undefined) microtask(() => this.#start());
  }

  /** @returns whether it was this delivery that waited or ran: others may be taken again */
  end(number: number): boolean {
    if (number !== this.#number) return false;
    this.#clear();
    return true;
  }

  /** @returns the delivery that waits, which does not begin any more */
  giveUp(): number | undefined {
    if (this.#begin === undefined) return undefined;
    const number = this.#number;
    this.#clear();
    return number;
  }

  #start(): void {
    const begin = this.#begin;
    this.#begin = undefined;
    clearTimer(this.#waiting);
    begin?.();
  }

  #clear(): void {
    this.#number = undefined;
    this.#begin = undefined;
    clearTimer(this.#waiting);
  }
}
