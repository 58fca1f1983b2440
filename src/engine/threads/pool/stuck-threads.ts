// Threads that have been terminated and do not end, because they are in native code: `worker.terminate()` waits until that
// returns. Another thread takes the place of each, up to a limit; those beyond it count as threads of the pool.
import type { Thread } from "./thread.js";

export class StuckThreads {
  readonly #threads = new Set<Thread>();

  constructor(private readonly limit: number) {}

  get size(): number {
    return this.#threads.size;
  }

  [Symbol.iterator](): Iterator<Thread> {
    return this.#threads.values();
  }

  /** How many of them are beyond the limit, so that no other thread takes their place. */
  get beyondLimit(): number {
    return Math.max(0, this.#threads.size - this.limit);
  }

  add(thread: Thread): void {
    this.#threads.add(thread);
  }

  /** @returns whether it was one of them */
  delete(thread: Thread): boolean {
    return this.#threads.delete(thread);
  }
}
