// The drain of one offloader by a deadline, without any server: the last steps of a shutdown, and all of `close()`.
import { type Deferred, deferred } from "../../base/deferred.js";
import { OffloadError } from "../../base/errors.js";
import { named } from "../../base/logger.js";
import { checkOptions, func, milliseconds, type Rules } from "../../base/option-rules.js";
import { shared } from "../../base/shared.js";
import { inTime, now } from "../../base/time.js";
import { type Line, lines, write } from "../../core/log/lines.js";
import { endByForceAtExit } from "../process/end-by-force.js";
import { Deadline } from "./deadline.js";
import { abortBudget } from "./plan.js";
import { type CloseReport, tally } from "./report.js";
import type { DrainTarget, UnfinishedTask } from "./target.js";
import { describeTasks } from "./words.js";

/** Called with what was abandoned, before any thread ends. What it returns is awaited for a while. */
export type OnAbandoned = (tasks: readonly UnfinishedTask[]) => unknown;

/** Options of `offloader.close()`. */
export interface CloseOptions {
  /**
   * How long the drain may take in all, in ms. Default 25,000. Tasks are aborted up to 3 s before its end, and 10 ms sooner for every 1,000
   * that are unfinished. With less than a second the end of the threads may take some 40 ms longer.
   */
  readonly timeout?: number | undefined;
  /** Called when the time was not enough, before any thread ends: the last chance to write down what is unfinished. */
  readonly onAbandoned?: OnAbandoned | undefined;
}

export const defaultTimeout = 25_000;

/**
 * What the end of the threads has at the least, in ms from its beginning on, also after the deadline: a thread that is terminated ends
 * within a few ms. The later ones are for what comes after the threads.
 */
const least = { threads: 20, latest: 30, end: 40 };

const rules: Rules<CloseOptions> = { timeout: milliseconds(), onAbandoned: func };

/**
 * Lets everything accepted reach a final state, then ends the threads. Admission stays open until nothing is left, so that
 * tasks may dispatch others; at the deadline what is unfinished is aborted and abandoned.
 *
 * A second call joins the first: it resolves with the same report, and can only bring the deadline forward.
 *
 * @throws OffloadError AR_INVALID_OPTIONS
 */
export function closeTarget(target: DrainTarget, options: CloseOptions = {}): Promise<CloseReport> {
  checkOptions("close", options, rules);
  const timeout = options.timeout ?? defaultTimeout;
  const deadline = new Deadline(now() + timeout, abortBudget(timeout));
  return joinClosing(target, deadline, options.onAbandoned, true).report;
}

/** {@link closeTarget} for a caller with a deadline of its own. Never rejects. */
export function closeBy(target: DrainTarget, deadline: Deadline, onAbandoned?: OnAbandoned): Promise<CloseReport> {
  return joinClosing(target, deadline, onAbandoned, false).report;
}

// Shared, because the shutdown of the process may run in another copy than the one whose close() is called.
const closings = shared("closings/1", () => new WeakMap<DrainTarget, Closing>());

/** Whether its closing has begun. */
export function isClosing(target: DrainTarget): boolean {
  return closings.has(target);
}

/** How long its closing may still take, in ms; undefined where none has begun. */
export function closingLeftMs(target: DrainTarget): number | undefined {
  const closing = closings.get(target);
  return closing && closing.deadline.at - now();
}

/**
 * The one closing of a target; begins now if it has not.
 *
 * @param logs whether it logs its beginning and its end, because no shutdown of the process does
 */
function joinClosing(
  target: DrainTarget,
  deadline: Deadline,
  onAbandoned: OnAbandoned | undefined,
  logs: boolean,
): Closing {
  let closing = closings.get(target);
  if (closing === undefined) {
    closing = new Closing(target, deadline, logs);
    closings.set(target, closing);
    // After it is in the map, because a listener of `draining` may call close() too.
    closing.begin();
  } else {
    closing.deadline.follow(deadline);
  }
  if (onAbandoned !== undefined) closing.listeners.push(onAbandoned);
  return closing;
}

class Closing {
  readonly listeners: OnAbandoned[] = [];
  readonly report: Promise<CloseReport>;
  private readonly done: Deferred<CloseReport> = deferred();

  constructor(
    private readonly target: DrainTarget,
    readonly deadline: Deadline,
    private readonly logs: boolean,
  ) {
    this.report = this.done.promise;
  }

  begin(): void {
    this.done.resolve(this.run());
  }

  private async run(): Promise<CloseReport> {
    const { target, deadline } = this;
    const startedAt = now();
    const before = target.totals();
    // Something else may exit in the middle of it, and Node would wait for native code then, whatever the deadline is.
    const undo = endByForceAtExit({
      unended: () => target.unfinishedCount() + target.unended(),
      get left() {
        return deadline.left("end");
      },
    });
    this.log(lines.draining);
    target.announceDraining();
    await deadline.idle(target);
    target.refuse();
    if (target.unfinishedCount() > 0) await this.abandon();
    await this.endThreads();
    this.log(lines.drained);
    undo();
    return {
      ...tally(before, target.totals()),
      ...this.abandoned(),
      durationMs: Math.round(now() - startedAt),
    };
  }

  private async abandon(): Promise<void> {
    const { target, deadline } = this;
    const unfinished = target.unfinishedCount();
    target.logger.warn(
      { offloader: target.name, unfinished },
      `shutdown: no time left for ${describeTasks(unfinished, target.unfinished(100))}; aborting`,
    );
    target.abandonWaiting();
    target.abortRunning(new OffloadError("AR_ABANDONED", "the shutdown deadline came before the task was finished"));
    await deadline.within(target.idle(), "abandon");
    target.abandonRunning();
    const { abandoned } = this.abandoned();
    if (abandoned.length === 0) return;
    await Promise.all(this.listeners.map((listener) => this.callListener(listener, abandoned)));
  }

  private log(line: Line): void {
    const { logger, name } = this.target;
    if (this.logs) write(named(logger, name), line, { unfinished: this.target.unfinishedCount() });
  }

  private async callListener(listener: OnAbandoned, tasks: readonly UnfinishedTask[]): Promise<void> {
    const { logger, name } = this.target;
    try {
      const work = Promise.resolve(listener(tasks));
      if (await this.deadline.within(work, "report")) return;
      logger.error({ offloader: name }, "shutdown: onAbandoned took too long, going on without it");
    } catch (error) {
      logger.error({ offloader: name, err: error }, "shutdown: onAbandoned failed");
    }
  }

  private async endThreads(): Promise<void> {
    const { target, deadline } = this;
    try {
      const begunAt = now();
      const threads = Math.max(least.threads, deadline.left("threads"));
      // What comes after the threads, such as the end of the journal, needs a share of its own.
      const latest = Math.max(least.latest, threads + (deadline.left("end") - threads) / 2);
      const work = target.endThreads(threads, latest);
      // The target's own timeout comes first. This one is for a target that does not keep it.
      if (await deadline.within(work, "end")) return;
      if (await inTime(work, Math.max(0, begunAt + least.end - now()))) return;
      target.logger.warn(
        { offloader: target.name },
        "shutdown: the threads took too long to end, going on without them",
      );
    } catch (error) {
      target.logger.error({ offloader: target.name, err: error }, "shutdown: the threads did not end in order");
    } finally {
      const unended = target.unended();
      if (unended > 0) {
        target.logger.warn(
          { offloader: target.name, unended },
          `shutdown: ${unended} of the threads and callbacks did not end; the process will not wait for them`,
        );
        // A process that shuts down has to keep the deadline. Another one goes on for as long as it likes.
        endByForceAtExit({ unended: () => target.unended(), ...(!this.logs && { left: 0 }) });
      }
    }
  }

  private abandoned(): Pick<CloseReport, "abandoned" | "journaled"> {
    const { tasks, journaled } = this.target.abandoned();
    return { abandoned: tasks, journaled };
  }
}
