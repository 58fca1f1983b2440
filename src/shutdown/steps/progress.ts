// Reports how far a shutdown is, while it runs: to the log, to the listeners of `onStep` and to the watchdog.
import { asReport, type Logger } from "../../base/logger.js";
import { clearTicker, now, setTicker } from "../../base/time.js";
import type { Deadline } from "./deadline.js";
import type { Participant } from "./participant.js";
import type { Pending } from "./pending.js";
import type { ShutdownReport } from "./report.js";
import type { ShutdownState } from "./states.js";
import { Watchdog } from "./watchdog.js";
import { inChunks, seconds } from "./words.js";

/** How often the log says what the shutdown waits for, in ms. */
const progressInterval = 3_000;
/** A list of the unfinished tasks is made again after this many times the time that it took. */
const listEvery = 20;

export interface ProgressParts {
  readonly participants: ReadonlySet<Participant>;
  readonly reason: string;
  readonly deadline: Deadline;
  readonly pending: Pending;
  readonly logger: Logger;
}

export class Progress {
  state: ShutdownState = "leaving";
  private readonly watchdog: Watchdog;
  private tasks: readonly string[] = [];
  private nextListAt = 0;
  /** The exit code if the watchdog has to end the process. */
  private exitCode = 1;

  constructor(private readonly parts: ProgressParts) {
    const { logger } = parts;
    this.watchdog = new Watchdog((error) => {
      logger.warn({ err: error }, "shutdown: no watchdog; a blocked event loop would outlive the deadline");
    });
  }

  /** Says every few seconds what the shutdown waits for; returns what ends that. */
  start(): () => void {
    const ticker = setTicker(() => this.logPending(), progressInterval);
    return () => clearTicker(ticker);
  }

  enter(state: ShutdownState, message: string): void {
    this.state = state;
    this.parts.logger.info({ shutdown: state }, `shutdown ${state}: ${message}`);
    this.armWatchdog();
    this.callOnStep();
  }

  /** The deadline has been brought forward by a further signal. */
  force(exitCode: number): void {
    this.exitCode = exitCode;
    this.parts.logger.warn({ shutdown: this.state }, `shutdown ${this.state}: forced by a further signal`);
    this.armWatchdog();
  }

  end(report: ShutdownReport): void {
    this.state = "ended";
    this.callOnStep();
    const { completed, failed, abandoned, journaled, exitCode, durationMs } = report;
    this.exitCode = exitCode;
    this.parts.logger[exitCode === 0 ? "info" : "error"](
      { shutdown: "ended", report: asReport(report) },
      `shutdown ended: in ${seconds(durationMs)} with exit code ${exitCode}; during it ${completed} completed, ` +
        `${failed} failed, ${abandoned.length} abandoned, ${journaled} kept for the next process`,
    );
  }

  /** What is left is the exit. The watchdog ends the process when it takes longer than this, without another word. */
  exitWithin(ms: number): void {
    this.watchdog.arm(now() + ms, this.exitCode, undefined);
  }

  /** For a process that lives on after its shutdown. */
  stopWatchdog(): Promise<void> {
    return this.watchdog.stop();
  }

  private logPending(): void {
    const { deadline, logger, pending } = this.parts;
    const left = seconds(deadline.at - now());
    logger.info({ shutdown: this.state }, `shutdown ${this.state}: ${left} left; ${pending.describe()}`);
    this.armWatchdog();
  }

  private callOnStep(): void {
    const { participants, reason, deadline, pending, logger } = this.parts;
    const step = {
      state: this.state,
      reason,
      leftMs: Math.round(deadline.at - now()),
      openRequests: pending.openRequests(),
      unfinished: pending.unfinishedCount(),
    };
    for (const { options } of participants) {
      try {
        options.onStep?.(step);
      } catch (error) {
        logger.error({ err: error }, "shutdown: onStep failed");
      }
    }
  }

  /** The unfinished tasks for the watchdog. With very many of them the list may be a while old. */
  private tasksForWatchdog(): readonly string[] {
    const startedAt = now();
    if (startedAt < this.nextListAt) return this.tasks;
    this.tasks = [...inChunks(this.parts.pending.unfinished())].map(({ tasks }) => JSON.stringify(tasks));
    // A list of 100,000 takes 50 ms: no more than a part of the time goes into it.
    this.nextListAt = now() + (now() - startedAt) * listEvery;
    return this.tasks;
  }

  private armWatchdog(): void {
    const { reason, deadline, pending } = this.parts;
    this.watchdog.arm(deadline.at, this.exitCode, {
      state: this.state,
      reason,
      openRequests: pending.openRequests().length,
      unfinished: pending.unfinishedCount(),
      tasks: this.tasksForWatchdog(),
    });
  }
}
