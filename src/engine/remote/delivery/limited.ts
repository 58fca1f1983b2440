// Tasks that wait because as many of their name run as its `concurrency` allows. They would keep the places of others here, and other
// workers may have room for them, so they go back after a short while.
import { clearTicker, setTicker, type Timer } from "../../../base/time.js";
import { Returns } from "./returns.js";

/** What has waited for one look or two goes back. Long enough for a task before it to end, where tasks are short. In ms. */
const everyMs = 200;
const longestDelay = 4_000;

export class Limited {
  #looking: Timer | undefined;
  /** The last delivery, and the last one at the look before. */
  #last = 0;
  #lastLook = 0;
  readonly #returns = new Returns({ firstDelay: 500, longestDelay, giveUpAfter: Number.POSITIVE_INFINITY });

  /** @param giveBack gives those back that wait and have at most this number; returns whether any with a limit are left */
  constructor(private readonly giveBack: (upTo: number) => boolean) {}

  /** A task whose name has a limit is here. */
  delivered(number: number): void {
    this.#last = number;
    this.#looking ??= setTicker(() => this.#look(), everyMs).unref();
  }

  /** How long the task with this id stays away, in ms. */
  delayOf(id: string): number {
    return this.#returns.next(id) ?? longestDelay;
  }

  #look(): void {
    const upTo = this.#lastLook;
    this.#lastLook = this.#last;
    if (this.giveBack(upTo)) return;
    clearTicker(this.#looking);
    this.#looking = undefined;
  }
}
