// How many tasks are in each state. By number and not by name: counting by a string key was a quarter of what a tiny task
// costs the main thread.
import { codeOf, states, type TaskState } from "../states.js";

/** Tasks by state. */
export type StateCounts = Record<TaskState, number>;

export class Counts {
  readonly #counts = new Int32Array(states.length);

  /** How many are in this state. */
  in(state: TaskState): number {
    return this.#counts[codeOf(state)] ?? 0;
  }

  enter(state: TaskState): void {
    this.#change(codeOf(state), 1);
  }

  /** By the numbers of the states, which whoever moves a task has at hand. */
  move(from: number, to: number): void {
    this.#change(from, -1);
    this.#change(to, 1);
  }

  /** Adds all that another has counted. */
  add(other: Counts): void {
    for (const [code, count] of other.#counts.entries()) this.#change(code, count);
  }

  all(): StateCounts {
    return Object.fromEntries(states.map((state) => [state, this.in(state)])) as StateCounts;
  }

  #change(code: number, by: number): void {
    this.#counts[code] = (this.#counts[code] ?? 0) + by;
  }
}
