// When a living process looks for what dead ones have left: now and then, and soon after a hint that one has died.
import { clearTimer, setTimer, type Timer } from "../../base/time.js";

/** How long after a hint it looks, in ms: a dying process closes its connections before its socket, and others may die with it. */
const soon = 250;

export class LookAgain {
  #timer: Timer | undefined;
  #dueSoon = false;
  #stopped = true;

  /** @param every ms between two looks at the most; they keep no process alive */
  constructor(
    private readonly look: () => Promise<void>,
    private readonly every: number,
  ) {}

  start(): void {
    this.#stopped = false;
    if (this.#timer === undefined) this.#set(this.every);
  }

  /** A process may have died. */
  hint(): void {
    if (this.#stopped || this.#dueSoon) return;
    this.#dueSoon = true;
    this.#set(Math.min(soon, this.every));
  }

  stop(): void {
    this.#stopped = true;
    clearTimer(this.#timer);
    this.#timer = undefined;
  }

  #set(ms: number): void {
    clearTimer(this.#timer);
    this.#timer = setTimer(() => void this.#run(), ms).unref();
  }

  async #run(): Promise<void> {
    this.#dueSoon = false;
    await this.look();
    if (!this.#stopped && !this.#dueSoon) this.#set(this.every);
  }
}
