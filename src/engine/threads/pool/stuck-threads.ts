// Threads that have been terminated and do not end, because they are in native code: `worker.terminate()` waits until that
// returns. Another thread takes the place of each, up to a limit; those beyond it count as threads of the pool.
import { clearTicker, setTicker, type Timer } from "../../../base/time.js";
import type { Thread } from "./thread.js";

/** In ms: how often it is looked whether work still waits for one of them. */
const lookEvery = 200;

export class StuckThreads {
  readonly #threads = new Set<Thread>();
  #keepAlive: Timer | undefined;

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

  /**
   * Work waits and no thread is left. If it waits for the place of one of them, the process stays alive until that has ended: a
   * thread that is being terminated does not keep it alive by itself.
   */
  holdProcess(hasWork: () => boolean): void {
    if (this.beyondLimit === 0) return;
    this.#keepAlive ??= setTicker(() => {
      if (this.beyondLimit === 0 || !hasWork()) this.releaseProcess();
    }, lookEvery);
  }

  releaseProcess(): void {
    clearTicker(this.#keepAlive);
    this.#keepAlive = undefined;
  }
}
