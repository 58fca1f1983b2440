// One absolute deadline that everything in a shutdown is measured against, and that can only come nearer.
import { type Moment, timeBefore } from "./plan.js";

export class Deadline {
  private readonly followers = new Set<() => void>();

  constructor(
    /** When all is over, on the clock of `performance.now()`. */
    private ends: number,
    /** How long before that tasks are aborted, in ms; the other moments are in proportion. */
    private budget: number,
  ) {}

  get at(): number {
    return this.ends;
  }

  /** ms until a moment, negative once it is over. */
  left(moment: Moment): number {
    return this.ends - timeBefore(moment, this.budget) - performance.now();
  }

  /** Brings the deadline forward, with all who wait for one of its moments. A later one than it has changes nothing. */
  shorten(ends: number, budget: number): void {
    if (ends >= this.ends) return;
    this.ends = ends;
    this.budget = budget;
    for (const follow of [...this.followers]) follow();
  }

  /** Ends no later than `other`, from now on. */
  follow(other: Deadline): void {
    const follow = (): void => this.shorten(other.ends, other.budget);
    other.followers.add(follow);
    follow();
  }

  /**
   * Waits for `work`, but no longer than until `moment`.
   *
   * @returns whether the work was done in time; rejects as the work does
   */
  within(work: Promise<unknown>, moment: Moment): Promise<boolean> {
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const stop = (): void => {
        clearTimeout(timer);
        this.followers.delete(arm);
      };
      const arm = (): void => {
        clearTimeout(timer);
        timer = setTimeout(
          () => {
            stop();
            resolve(false);
          },
          Math.max(0, this.left(moment)),
        );
      };
      this.followers.add(arm);
      arm();
      work.then(
        () => {
          stop();
          resolve(true);
        },
        (error: unknown) => {
          stop();
          reject(error);
        },
      );
    });
  }
}
