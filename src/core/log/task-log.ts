// What the log says of each task and callback: that it failed, that an attempt failed, that it was abandoned; other ends as the
// option `log` says, and each step where the logger writes `debug`.
import { isEnabled, type Logger } from "../../base/logger.js";
import type { Clock } from "../../base/time.js";
import type { TaskKind } from "../definition.js";
import type { Events } from "../events.js";
import { errorOf } from "../lazy-error.js";
import { type Detail, type Ledger, waitMs } from "../ledger.js";
import type { TaskState } from "../states.js";
import type { Task } from "../task.js";
import { alike } from "./alike.js";
import { Bursts, type Sum } from "./bursts.js";
import { codeOf, inWords, lines, write } from "./lines.js";
import { QueueWatch } from "./queue-watch.js";
import { fieldsOf } from "./task-fields.js";

export interface TaskLogSettings {
  readonly ended: "failed" | "slow" | "all" | "none";
  /** With `slow` and `all`: from how many ms on an end is slow, and is logged whatever the sample. */
  readonly slowMs: number;
  /** With `all`: which part of the ends that are neither failed nor slow is logged, from 0 to 1. */
  readonly sample: number;
}

export interface TaskLogParts {
  readonly events: Events;
  readonly logger: Logger;
  readonly settings: TaskLogSettings;
  readonly ledger: Ledger;
  /** Of the queue. */
  readonly limits: { readonly max: number; readonly maxBytes: number };
  readonly clock?: Clock | undefined;
  /** From 0 to 1. */
  readonly random?: (() => number) | undefined;
}

/** A failure that may be summed up. */
interface Failure {
  readonly words: string;
  readonly task: string;
  readonly kind: TaskKind;
  readonly code: string | number | undefined;
  readonly err: unknown;
}

/** Failures that are alike: how many are written in full within ten seconds. */
const mostInFull = 10;
/** Collectors cut lines that are too long, so a sum of more failures takes several. */
const mostIdsOfLost = 500;
const mostIdsOfAttempts = 20;

export class TaskLog {
  readonly #parts: TaskLogParts;
  readonly #lost: Bursts<Failure>;
  readonly #attempts: Bursts<Failure>;
  readonly #queue: QueueWatch;
  readonly #logsEnds: boolean;
  readonly #random: () => number;

  constructor(parts: TaskLogParts) {
    const { logger, settings, clock, random = Math.random } = parts;
    this.#parts = parts;
    this.#random = random;
    this.#queue = new QueueWatch(parts);
    this.#logsEnds = settings.ended === "slow" || settings.ended === "all";
    const most = mostInFull;
    // What has failed for good is reported by id: each id is in a line of its own or in a sum.
    this.#lost = new Bursts({
      most,
      mostIds: mostIdsOfLost,
      namesAll: true,
      clock,
      onSum: (sum) => write(logger, lines.alike, fieldsOfSum(sum), wordsOfSum(sum)),
    });
    this.#attempts = new Bursts({
      most,
      mostIds: mostIdsOfAttempts,
      namesAll: false,
      clock,
      onSum: (sum) => write(logger, lines.attemptsAlike, fieldsOfSum(sum), wordsOfSum(sum)),
    });
  }

  accepted(task: Task): void {
    this.#queue.look();
    if (!this.#isDebug()) return;
    const fields = fieldsOf(task);
    this.#later(() => write(this.#parts.logger, lines.debugAccepted, fields, { kind: task.definition.kind }));
  }

  /** A task has changed its state, and its outcome is set where it has ended. */
  moved(task: Task, from: TaskState, detail: Detail): void {
    switch (task.state) {
      case "queued":
      case "held":
        return;
      case "running":
        if (this.#isDebug()) this.#started(task);
        return;
      case "delayed":
        this.#attemptFailed(task, detail);
        return;
      case "failed":
        this.#failed(task, detail);
        return;
      case "abandoned":
        this.#abandoned(task, from);
        return;
      default:
        if (this.#logsEnds || this.#isDebug()) this.#ended(task, detail);
    }
  }

  /** Writes the sums of what was not written: the process may be about to end. */
  flush(): void {
    this.#lost.flush();
    this.#attempts.flush();
  }

  /** The offloader is closed. */
  stop(): void {
    this.#lost.stop();
    this.#attempts.stop();
  }

  #started(task: Task): void {
    const fields = { ...fieldsOf(task), waitMs: waitMs(task) };
    this.#later(() => write(this.#parts.logger, lines.debugStarted, fields, { kind: task.definition.kind }));
  }

  #attemptFailed(task: Task, { error, runMs, delayMs }: Detail): void {
    const { logger, settings } = this.#parts;
    if (settings.ended === "none" || !isEnabled(logger, "warn")) return;
    const { attempt, threadId } = task;
    const times = { waitMs: waitMs(task), runMs, delayMs };
    this.#later(() => {
      const failure = failureOf(task, lines.attemptFailed.message, error);
      if (!this.#isInFull(this.#attempts, failure, task)) return;
      const { code, err } = failure;
      write(
        logger,
        lines.attemptFailed,
        { ...fieldsOf(task, attempt, threadId), ...times, code, err },
        { kind: task.definition.kind },
      );
    });
  }

  #failed(task: Task, { error, runMs }: Detail): void {
    const { logger, settings } = this.#parts;
    if (settings.ended === "none" || !isEnabled(logger, "error")) return;
    const times = { waitMs: waitMs(task), runMs };
    this.#later(() => {
      const failure = failureOf(task, lines.failed.message, error);
      if (!this.#isInFull(this.#lost, failure, task)) return;
      const { code, err } = failure;
      write(logger, lines.failed, { ...fieldsOf(task), ...times, code, err }, { kind: task.definition.kind });
    });
  }

  /** Whatever the option `ended` says: nothing else names it where nobody looks at the report of the drain. */
  #abandoned(task: Task, state: TaskState): void {
    const { logger } = this.#parts;
    if (task.isLeft || !isEnabled(logger, "error")) return;
    const times = { waitMs: waitMs(task) };
    this.#later(() => {
      const { kind, name } = task.definition;
      const code = "AR_ABANDONED";
      const words = inWords(lines.abandoned.message, { kind, state });
      if (!this.#isInFull(this.#lost, { words, kind, task: name, code, err: undefined }, task)) return;
      write(logger, lines.abandoned, { ...fieldsOf(task), ...times, code }, { kind, state });
    });
  }

  /** It has ended in another state. */
  #ended(task: Task, { error, runMs }: Detail): void {
    const { logger, settings } = this.#parts;
    const wait = waitMs(task);
    const isSlow = this.#logsEnds && Math.max(runMs ?? 0, wait) >= settings.slowMs;
    const isChosen = isSlow || (settings.ended === "all" && this.#isSampled());
    const line = isSlow ? lines.slow : isChosen ? lines.ended : lines.debugEnded;
    if (!isEnabled(logger, line.level)) return;
    const { kind } = task.definition;
    const { state } = task;
    const fields = { ...fieldsOf(task), waitMs: wait, runMs };
    this.#later(() => write(logger, line, { ...fields, code: codeOf(errorOf(error)) }, { kind, state }));
  }

  #isInFull(bursts: Bursts<Failure>, failure: Failure, { id }: Task): boolean {
    const wider = `${failure.words} ${failure.task}`;
    return bursts.add(`${wider} ${alike(failure.err)}`, wider, failure, () => id);
  }

  #isSampled(): boolean {
    const { sample } = this.#parts.settings;
    return sample === 1 || this.#random() < sample;
  }

  /** Asked before anything is made: most loggers write no `debug`, and a task costs a comparison then. */
  #isDebug(): boolean {
    return isEnabled(this.#parts.logger, "debug");
  }

  /** When the move is complete, because the logger is the user's code. */
  #later(job: () => void): void {
    this.#parts.events.later(job);
  }
}

function failureOf(task: Task, message: string, error: unknown): Failure {
  const err = errorOf(error);
  const { kind, name } = task.definition;
  return { words: inWords(message, { kind }), task: name, kind, code: codeOf(err), err };
}

function fieldsOfSum({ count, ids, example }: Sum<Failure>) {
  const { task, kind, code, err } = example;
  return { task, kind, count, ids, code, err };
}

function wordsOfSum({ count, example }: Sum<Failure>) {
  return { count, words: example.words };
}
