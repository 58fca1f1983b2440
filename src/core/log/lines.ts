// The lines of the log that speak of tasks: level, words, fields. docs/observability.md shows them as a table, and a test holds
// it to this one. No line has a payload.
import { isEnabled, type Level, type Logger } from "../../base/logger.js";

/** The fields of a line, and no others. */
export type FieldName =
  | "task"
  | "kind"
  | "id"
  | "attempt"
  | "waitMs"
  | "runMs"
  | "delayMs"
  | "thread"
  | "code"
  | "err"
  | "context"
  | "trace_id"
  | "span_id"
  | "count"
  | "ids"
  | "of"
  | "names"
  | "interrupted"
  | "reason"
  | "segment"
  | "since"
  | "waiting"
  | "stuck"
  | "dropped"
  | "unfinished"
  | "max"
  | "bytes"
  | "maxBytes"
  | "maxThreads"
  | "owners"
  | "pending"
  | "crashed"
  | "engine"
  | "path"
  | "class"
  | "do"
  | "done";

/** One kind of line. A word in braces in the message is filled in for each. */
export interface Line {
  readonly level: Level;
  readonly message: string;
  /** In this order. */
  readonly fields: readonly FieldName[];
}

/** Which task a line is about; `context` is what the option `context` gave. */
const taskFields = ["task", "kind", "id", "attempt", "thread", "context", "trace_id", "span_id"] as const;

const line = (level: Level, message: string, ...fields: FieldName[]): Line => ({ level, message, fields });

const stored = ["task", "kind", "id", "attempt"] as const;

type LineName =
  | "failed"
  | "abandoned"
  | "alike"
  | "attemptFailed"
  | "attemptsAlike"
  | "refused"
  | "refusedMore"
  | "queueFull"
  | "longRunning"
  | "noLongerHeld"
  | "inNativeCode"
  | "dropped"
  | "slow"
  | "ended"
  | "up"
  | "adopted"
  | "draining"
  | "drained"
  | "debugAccepted"
  | "debugStarted"
  | "debugEnded"
  | "crashed"
  | "noFunction"
  | "notReadmitted"
  | "unreadable"
  | "newerPayload"
  | "noDeadLetter"
  | "behindDamage"
  | "instance"
  | "lockLost"
  | "forwardedYet"
  | "unsettled"
  | "runsNowhere"
  | "workersDied"
  | "notShown"
  | "acted";

/** All of them. */
export const lines: Readonly<Record<LineName, Line>> = {
  failed: line("error", "{kind} failed", ...taskFields, "waitMs", "runMs", "code", "err"),
  abandoned: line(
    "error",
    "{kind} abandoned while {state}, because the shutdown deadline came first",
    ...taskFields,
    "waitMs",
    "code",
  ),
  alike: line("error", "{words}: {count} more like it", "task", "kind", "count", "ids", "code", "err"),
  attemptFailed: line(
    "warn",
    "an attempt of a {kind} failed, another follows",
    ...taskFields,
    "waitMs",
    "runMs",
    "delayMs",
    "code",
    "err",
  ),
  attemptsAlike: line("warn", "{words}: {count} more like it", "task", "kind", "count", "ids", "code", "err"),
  refused: line("warn", "a dispatch was refused", "task", "kind", "code", "err"),
  refusedMore: line("warn", "{count} more dispatches were refused", "task", "kind", "code", "count"),
  queueFull: line(
    "warn",
    "the queue is over 80 % full, and dispatches are refused when it is full",
    "unfinished",
    "max",
    "bytes",
    "maxBytes",
  ),
  longRunning: line(
    "warn",
    "a {kind} has been running for long without a timeout, so nothing ends it unless it returns; give it a timeout",
    "task",
    "kind",
    "count",
    "ids",
    "since",
    "runMs",
    "waiting",
  ),
  noLongerHeld: line("warn", "a {kind} is no longer held, because {reason}", "task", "kind", "count", "ids"),
  inNativeCode: line(
    "warn",
    "a thread is in native code and ends only when that returns; its tasks have ended for everybody else",
    "thread",
    "ids",
    "names",
    "stuck",
  ),
  dropped: line(
    "warn",
    "log lines or progress values of tasks were dropped, because there were more than the main thread keeps up with",
    "thread",
    "dropped",
  ),
  slow: line("info", "{kind} {state}, and was slow", ...taskFields, "waitMs", "runMs", "code"),
  ended: line("info", "{kind} {state}", ...taskFields, "waitMs", "runMs", "code"),
  up: line("info", "ready for tasks", "names", "maxThreads"),
  adopted: line("info", "journal: tasks of dead processes were taken over", "owners", "pending", "crashed"),
  draining: line("info", "draining", "unfinished"),
  drained: line("info", "drained", "unfinished"),
  debugAccepted: line("debug", "{kind} accepted", ...taskFields),
  debugStarted: line("debug", "{kind} started", ...taskFields, "waitMs"),
  debugEnded: line("debug", "{kind} {state}", ...taskFields, "waitMs", "runMs", "code"),
  crashed: line(
    "error",
    "journal: {interrupted} processes died while a task was running; it goes to the dead letters",
    ...stored,
    "interrupted",
  ),
  noFunction: line("error", "journal: a task has no function; it goes to the dead letters", ...stored, "code", "err"),
  notReadmitted: line(
    "error",
    "a task of the journal cannot be run; it stays there for the next process",
    ...stored,
    "code",
    "err",
  ),
  unreadable: line("error", "journal: a task cannot be read; it stays in the journal", ...stored, "code", "err"),
  newerPayload: line(
    "error",
    "journal: this version of Node.js cannot read a payload; its task goes to the dead letters",
    ...stored,
  ),
  noDeadLetter: line(
    "error",
    "journal: a dead letter cannot be written; its task stays in the journal, and this is tried again",
    "kind",
    "id",
    "attempt",
    "reason",
    "code",
    "err",
  ),
  behindDamage: line(
    "error",
    "journal: these tasks were accepted and do not run, because their records lie behind the damage of a segment",
    "segment",
    "ids",
    "of",
  ),
  instance: line(
    "warn",
    "{path} is an instance of {class}, which arrives in the task as {kind}, without its methods; " +
      "send plain data, or mark the class with static plainPayload = true",
    "task",
    "path",
    "class",
  ),
  lockLost: line(
    "warn",
    "the lock of a task was lost; it is aborted here, and another worker may run it",
    "task",
    "kind",
    "id",
  ),
  forwardedYet: line(
    "warn",
    "a task that was cancelled had just been forwarded, and {end}",
    "kind",
    "id",
    "engine",
    "code",
    "err",
  ),
  unsettled: line(
    "warn",
    "the queue could not be told how a task has ended, so another worker may run it again",
    "kind",
    "id",
    "engine",
    "code",
    "err",
  ),
  runsNowhere: line("error", "a task of the queue cannot be run by any worker", "task", "kind", "id", "code", "err"),
  workersDied: line(
    "error",
    "a task of the queue is not run again: {count} workers died while they ran the task",
    "task",
    "kind",
    "id",
    "count",
  ),
  acted: line("info", "dashboard: somebody acted", "task", "id", "do", "count", "done"),
  notShown: line("error", "dashboard: the option show failed", "task", "kind", "id", "code", "err"),
};

/**
 * Writes one line.
 *
 * @param values of its fields; those that are undefined are left out
 * @param words for those in braces
 */
export function write(
  logger: Logger,
  { level, message, fields }: Line,
  values: { readonly [Name in FieldName]?: unknown },
  words: Readonly<Record<string, unknown>> = {},
): void {
  if (isEnabled(logger, level)) {
    const known = fields
      .filter((field) => values[field] !== undefined)
      .map((field) => [field, field.endsWith("Ms") ? toMicroseconds(values[field]) : values[field]]);
    logger[level]?.(Object.fromEntries(known), inWords(message, words));
  }
}

/** What a thread measures has up to 15 digits behind the point, of which none below a microsecond says anything. */
function toMicroseconds(ms: unknown): unknown {
  return typeof ms === "number" ? Math.round(ms * 1_000) / 1_000 : ms;
}

/** The message of a line with its words. */
export function inWords(message: string, words: Readonly<Record<string, unknown>>): string {
  return message.replace(/\{(\w+)\}/g, (_, word: string) => String(words[word]));
}

/** The code of an error, as Node and this library give it. */
export function codeOf(err: unknown): string | number | undefined {
  if (!(err instanceof Error)) return undefined;
  try {
    const code: unknown = Reflect.get(err, "code");
    return typeof code === "string" || typeof code === "number" ? code : undefined;
  } catch {
    // A getter of the user's.
    return undefined;
  }
}
