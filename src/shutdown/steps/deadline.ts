// One absolute deadline, from which every moment of a shutdown is measured. It can only come nearer.
import { doneBefore, now, realClock } from "../../base/time.js";
import { abandonTime, type Moment, timeBefore } from "./plan.js";

/** What has tasks. */
export interface Draining {
  /** Resolves when nothing is unfinished. */
  idle(): Promise<void>;
  unfinishedCount(): number;
}

export class Deadline {
  private readonly listeners = new Set<() => void>();

  constructor(
    /** When all is over, on the clock of `now()`. */
    private ends: number,
    /** How long before that tasks are aborted, in ms; the other moments are in proportion. */
    private budget: number,
  ) {}

  get at(): number {
    return this.ends;
  }

  /** ms until a moment, negative once it is over. */
  left(moment: Moment): number {
    return this.ends - timeBefore(moment, this.budget) - now();
  }

  /** Brings the deadline forward, also for those who wait for one of its moments. A later one changes nothing. */
  shorten(ends: number, budget: number): void {
    if (ends >= this.ends) return;
    this.ends = ends;
    this.budget = budget;
    for (const listener of [...this.listeners]) listener();
  }

  /** From now on this deadline ends no later than `other`. */
  follow(other: Deadline): void {
    const follow = (): void => this.shorten(other.ends, other.budget);
    other.listeners.add(follow);
    follow();
  }

  /**
   * Waits until nothing is unfinished, but no longer than until tasks have to be aborted. The more there are, the sooner that is, because
   * each has to be abandoned.
   *
   * @returns whether nothing is unfinished
   */
  async idle(draining: Draining): Promise<boolean> {
    const left = (): number => this.left("abort") - abandonTime(draining.unfinishedCount());
    const idle = draining.idle();
    while (!(await this.within(idle, "abort", now() + left()))) {
      // Some may have ended since they were counted.
      if (left() <= 0) return false;
    }
    return true;
  }

  /**
   * Waits for `work`, but no longer than until `moment`.
   *
   * @param latest an end of its own, on the clock of `now()`
   * @returns whether the work was done in time; rejects as the work does
   */
  within(work: Promise<unknown>, moment: Moment, latest: number = Number.POSITIVE_INFINITY): Promise<boolean> {
    return doneBefore(work, (expire) => {
      const start = () => realClock.after(Math.max(0, Math.min(this.left(moment), latest - now())), expire);
      let cancel = start();
      const restart = (): void => {
        cancel();
        cancel = start();
      };
      this.listeners.add(restart);
      return () => {
        cancel();
        this.listeners.delete(restart);
      };
    });
  }
}
