// The dead letters as the page shows them. To list them reads a file for each, so it is done seldom, and the more seldom the longer
// it takes.
import { now } from "../../base/time.js";
import type { Offloader } from "../../contract.js";
import type { DeadLetter } from "../../store/store.js";
import { cut } from "./view-text.js";

const every = 10_000;
/** A list is made again after so many times the time that it took. */
const share = 1_000;
const mostShown = 50;

export class Letters {
  #all: readonly DeadLetter[] = [];
  #isThere = true;
  #nextAt = 0;
  #reading: Promise<void> | undefined;
  /** Changes when the list has been made again. */
  version = 0;

  constructor(private readonly offloader: Offloader) {}

  /** Makes the list again, if it is time. */
  async refresh(isUrgent = false): Promise<void> {
    if (!this.#isThere || (!isUrgent && now() < this.#nextAt)) return;
    this.#reading ??= this.#read();
    await this.#reading;
  }

  async #read(): Promise<void> {
    const startedAt = now();
    try {
      this.#all = await this.offloader.deadLetters.list();
      this.version++;
    } catch {
      // There is no journal, and there will be none. The journal itself logs what else there is.
      this.#isThere = this.version > 0;
    } finally {
      this.#nextAt = now() + Math.max(every, (now() - startedAt) * share);
      this.#reading = undefined;
    }
  }

  find(id: string): DeadLetter | undefined {
    return this.#all.find((letter) => letter.id === id);
  }

  /** The newest ones; null where there is no journal. */
  shown(): object | null {
    if (!this.#isThere) return null;
    const newest = this.#all.slice(-mostShown).reverse();
    return {
      count: this.#all.length,
      list: newest.map(({ id, task, reason, error, attempts, failedAt }) => {
        const text = error === undefined ? "" : `${error.name}: ${error.message}`;
        return { id, task: cut(task), reason, error: cut(text, 160), attempts, failedAt };
      }),
    };
  }
}
