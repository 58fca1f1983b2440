// The drain of one offloader by a deadline, without any server: steps 5 to 7 of a shutdown, and all of `close()`.

import { OffloadError } from "../../base/errors.js";
import { checkOptions, func, milliseconds, type Rules } from "../../base/option-rules.js";
import { Deadline } from "./deadline.js";
import { abortBudget } from "./plan.js";
import { type CloseReport, count, describeTasks, tally } from "./report.js";
import type { DrainTarget, UnfinishedTask } from "./target.js";

/** Is given what was abandoned, before any thread ends; what it returns is awaited, for a while. */
export type OnAbandoned = (tasks: readonly UnfinishedTask[]) => unknown;

/** Options of `offloader.close()`. */
export interface CloseOptions {
  /** How long the drain may take in all, in ms. Default 25,000. Tasks are aborted up to 3 s before its end. */
  readonly timeout?: number | undefined;
  /** Called when the time was not enough, before any thread ends: the last chance to write down what is unfinished. */
  readonly onAbandoned?: OnAbandoned | undefined;
}

export const defaultTimeout = 25_000;

const rules: Rules = { timeout: milliseconds(), onAbandoned: func };

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
  const deadline = new Deadline(performance.now() + timeout, abortBudget(timeout));
  const report = closeBy(target, deadline, options.onAbandoned);
  const closing = closings.get(target);
  // A shutdown of the process logs its own report, with the list in it.
  if (closing !== undefined) closing.logsAbandoned = true;
  return report;
}

const closings = new WeakMap<DrainTarget, Closing>();

/** {@link closeTarget} for those who have a deadline of their own. Never rejects. */
export function closeBy(target: DrainTarget, deadline: Deadline, onAbandoned?: OnAbandoned): Promise<CloseReport> {
  let closing = closings.get(target);
  if (closing === undefined) {
    closing = new Closing(target, deadline);
    closings.set(target, closing);
    // Once it is known: a listener of `draining` may call close() too.
    closing.begin();
  } else {
    closing.deadline.follow(deadline);
  }
  if (onAbandoned !== undefined) closing.listeners.push(onAbandoned);
  return closing.report;
}

class Closing {
  readonly listeners: OnAbandoned[] = [];
  /** Whether nobody else logs what was abandoned. */
  logsAbandoned = false;
  readonly report: Promise<CloseReport>;
  private resolve: (report: Promise<CloseReport>) => void = () => {};

  constructor(
    private readonly target: DrainTarget,
    readonly deadline: Deadline,
  ) {
    this.report = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  begin(): void {
    this.resolve(this.run());
  }

  private async run(): Promise<CloseReport> {
    const { target, deadline } = this;
    const startedAt = performance.now();
    const before = target.totals();
    target.announceDraining();
    const drained = await deadline.within(target.settled(), "abort");
    target.refuse();
    if (!drained) await this.abandon();
    await this.endThreads();
    return {
      ...tally(before, target.totals()),
      ...this.abandoned(),
      durationMs: Math.round(performance.now() - startedAt),
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
    await deadline.within(target.settled(), "abandon");
    target.abandonRunning();
    const { abandoned } = this.abandoned();
    if (abandoned.length === 0) return;
    // By id, whoever looks at the report or not: `await using` drops it.
    if (this.logsAbandoned) {
      target.logger.error(
        { offloader: target.name, abandoned },
        `shutdown: abandoned ${count(abandoned.length, "task")} that had been accepted`,
      );
    }
    await Promise.all(this.listeners.map((listener) => this.tell(listener, abandoned)));
  }

  private async tell(listener: OnAbandoned, tasks: readonly UnfinishedTask[]): Promise<void> {
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
      const work = target.endThreads(Math.max(0, deadline.left("threads")));
      // Its own timeout comes first; this is for a target that does not keep to it.
      if (await deadline.within(work, "end")) return;
      target.logger.warn(
        { offloader: target.name },
        "shutdown: the threads took too long to end, going on without them",
      );
    } catch (error) {
      target.logger.error({ offloader: target.name, err: error }, "shutdown: the threads did not end in order");
    }
  }

  private abandoned(): Pick<CloseReport, "abandoned" | "journaled"> {
    const { tasks, journaled } = this.target.abandoned();
    return { abandoned: tasks, journaled };
  }
}
