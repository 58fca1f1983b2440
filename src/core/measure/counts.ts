// How many tasks are in each state. The counts are kept by the number of the state, because counting by name was a quarter of
// the cost of a tiny task on the main thread.
import { codeOf, states, type TaskState, type UnfinishedState, unfinishedStates } from "../states.js";

/** Tasks by state. */
export type StateCounts = Record<TaskState, number>;

export class Counts {
  readonly #counts = new Int32Array(states.length);

  /** How many are in this state. */
  in(state: TaskState): number {
    return this.#counts[codeOf(state)] ?? 0;
  }

  /** How many are in this state; without one, in any that is not final. */
  sum(state?: UnfinishedState): number {
    return state === undefined ? unfinishedStates.reduce((sum, each) => sum + this.in(each), 0) : this.in(state);
  }

  /** One more is in this state, which is given by number. */
  enter(code: number): void {
    this.#change(code, 1);
  }

  /** One task goes from a state to another. Both are given by number, which the ledger knows already. */
  move(from: number, to: number): void {
    const counts = this.#counts;
    counts[from] = (counts[from] ?? 0) - 1;
    counts[to] = (counts[to] ?? 0) + 1;
  }

  /** Adds the counts of another. */
  add(other: Counts): void {
    for (const [code, count] of other.#counts.entries()) this.#change(code, count);
  }

  /** The counts of all states by name. */
  all(): StateCounts {
    return Object.fromEntries(states.map((state) => [state, this.in(state)])) as StateCounts;
  }

  #change(code: number, by: number): void {
    this.#counts[code] = (this.#counts[code] ?? 0) + by;
  }
}
