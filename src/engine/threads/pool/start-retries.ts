// How often starts of threads have failed in a row, and how long the next one waits: a thread that dies at its start must not
// be started in a tight loop.
import { sleep } from "../../../base/time.js";

// In ms.
const firstDelay = 100;
const longestDelay = 30_000;

export class StartRetries {
  /** Starts that have failed since a thread last did some work. */
  failures = 0;
  /** Starts that wait for their next try. */
  waiting = 0;
  readonly #over = new AbortController();

  /**
   * Waits before the next try. Called after a failure.
   *
   * @param keepsAlive whether the wait keeps the process alive
   */
  async wait(keepsAlive: boolean): Promise<void> {
    const ms = Math.min(longestDelay, firstDelay * 2 ** (this.failures - 1));
    this.waiting++;
    await sleep(ms, { signal: this.#over.signal, ref: keepsAlive });
    this.waiting--;
  }

  /** Ends every wait: nothing more is started. */
  end(): void {
    this.#over.abort();
  }
}
