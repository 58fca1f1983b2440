// Where the library logs: any object whose methods take pino's arguments, the fields first.
import { inspect } from "node:util";
import { indented, onOneLine } from "./printable.js";
import { shared } from "./shared.js";
import { writeLine } from "./stderr.js";

export type Level = "debug" | "info" | "warn" | "error";

/** A logger with pino's argument order. Loggers of pino, bunyan and Fastify can be given as they are. */
export interface Logger {
  /** What one task does. Left out: such lines are not written. */
  debug?(fields: object, message: string): void;
  /** What the library does: a start, a takeover, a drain. */
  info(fields: object, message: string): void;
  /** What may become a fault. */
  warn(fields: object, message: string): void;
  /** What has failed, or was lost with its id. */
  error(fields: object, message: string): void;
  /** Whether lines of this level are written. It is asked before a line is made. Default: every line is made. */
  isLevelEnabled?(level: string): boolean;
  /** In the place of `isLevelEnabled`: the lowest level that is written, as pino's number (20: debug, 30: info, 40: warn). */
  readonly levelVal?: number;
}

const levelValues: Readonly<Record<Level, number>> = { debug: 20, info: 30, warn: 40, error: 50 };

/** Whether a line of this level would be written. Asked before its fields are made. */
export function isEnabled(logger: Logger, level: Level): boolean {
  if (logger[level] === undefined) return false;
  if (logger.isLevelEnabled !== undefined) return logger.isLevelEnabled(level);
  return logger.levelVal === undefined || logger.levelVal <= levelValues[level];
}

/** Logs nothing. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {}, isLevelEnabled: () => false };

// Shared, because one copy makes the report and the logger of another may write it.
const reports = shared("reports/1", () => new WeakSet<object>());

/** Marks a report of a shutdown. Only such a one has a line of JSON, because a field of `task.log` may be called `report` too. */
export function asReport<Report extends object>(report: Report): Report {
  reports.add(report);
  return report;
}

/**
 * Writes one line for each message to stderr: the message, then the fields as `name=value`. The stacks of an error and of its
 * causes follow, indented. The report of a shutdown is a line of JSON with the message in it where stderr is no terminal, because programs that
 * collect logs read it; on a terminal only the message is there. No text can break its line or look like another.
 */
export const consoleLogger: Logger = {
  info: (fields, message) => write("info", fields, message),
  warn: (fields, message) => write("warn", fields, message),
  error: (fields, message) => write("error", fields, message),
};

function write(level: string, fields: object, message: string): void {
  let line = `[offload-after-response] ${level}: ${onOneLine(String(message))}`;
  let below = "";
  for (const [name, value] of Object.entries(fields)) {
    if (name === "report" && typeof value === "object" && value !== null && reports.has(value)) {
      if (isTerminal()) continue;
      const report = { level, name: "offload-after-response", msg: message, report: value };
      writeLine(onOneLine(JSON.stringify(report)));
      return;
    } else if (value instanceof Error) below += `\n${indented(stackOf(value))}`;
    else if (value !== undefined) line += ` ${inText(name)}=${inText(value)}`;
  }
  // To stderr, because stdout may be the output of the program.
  writeLine(line + below);
}

function isTerminal(): boolean {
  try {
    return process.stderr.isTTY === true;
  } catch {
    // Its file descriptor is closed.
    return false;
  }
}

/** How deep the causes of an error are written. A chain may be a circle. */
const deepest = 4;
/** How many members of an AggregateError are written. */
const mostMembers = 4;

/** With its causes and the members of an AggregateError: the stack of `fetch failed`, for example, does not say why. */
function stackOf(error: Error, depth = 0): string {
  try {
    const stack = String(error.stack ?? error.message);
    if (depth === deepest) return stack;
    const members: unknown = Reflect.get(error, "errors");
    const below = error.cause === undefined ? [] : [`[cause]: ${reasonOf(error.cause, depth + 1)}`];
    if (error instanceof AggregateError && Array.isArray(members)) {
      for (const [index, member] of members.slice(0, mostMembers).entries())
        below.push(`[errors ${index + 1} of ${members.length}]: ${reasonOf(member, depth + 1)}`);
    }
    return [stack, ...below].join("\n");
  } catch {
    return "an error whose stack cannot be read";
  }
}

/** A cause or a member may be anything. */
function reasonOf(value: unknown, depth: number): string {
  return value instanceof Error ? stackOf(value, depth) : inText(value);
}

/** A value on one line, quoted where it could be taken for something else: text of a client must not look like a log line. */
function inText(value: unknown): string {
  if (typeof value === "string" && /^[^\s"=\p{Cc}\p{Cf}]+$/u.test(value)) return value;
  try {
    const text: string | undefined = JSON.stringify(value);
    if (text !== undefined) return onOneLine(text);
  } catch {
    // A BigInt or a circular object. The line may be the only sign of a failure, so it is written all the same.
  }
  return onOneLine(inspect(value, { depth: 4, breakLength: Number.POSITIVE_INFINITY }));
}

const microtask = Promise.resolve();

/**
 * The same logger, which writes when what is being done now is done: it is the user's code, may dispatch, and would find a state that is half
 * changed.
 *
 * @param logger never throws
 */
export function afterwards(logger: Logger): Logger {
  const later =
    (level: Level) =>
    (fields: object, message: string): void =>
      void microtask.then(() => logger[level]?.(fields, message));
  const isLevelEnabled = (level: string): boolean => isEnabled(logger, level as Level);
  return { debug: later("debug"), info: later("info"), warn: later("warn"), error: later("error"), isLevelEnabled };
}

/** A logger that never throws, around one that may throw or reject. */
export function guardLogger(logger: Logger): Logger {
  const guard =
    (level: Level) =>
    (fields: object, message: string): void => {
      try {
        const returned: unknown = logger[level]?.(fields, message);
        if (returned instanceof Promise) returned.catch(() => {});
      } catch {
        // A broken logger cannot be reported anywhere.
      }
    };
  // Each task asks. What has no level of its own, as the console, answers at once.
  const hasLevel = "isLevelEnabled" in logger || "levelVal" in logger;
  const isLevelEnabled = (level: string): boolean => {
    if (!hasLevel) return logger[level as Level] !== undefined;
    try {
      return isEnabled(logger, level as Level) === true;
    } catch {
      return true;
    }
  };
  return { debug: guard("debug"), info: guard("info"), warn: guard("warn"), error: guard("error"), isLevelEnabled };
}

/** A logger whose every line has the name of the offloader. */
export function named(logger: Logger, offloader: string): Logger {
  const naming =
    (level: Level) =>
    (fields: object, message: string): void =>
      logger[level]?.({ offloader, ...fields }, message);
  return {
    debug: naming("debug"),
    info: naming("info"),
    warn: naming("warn"),
    error: naming("error"),
    isLevelEnabled: logger.isLevelEnabled?.bind(logger) ?? ((level) => isEnabled(logger, level as Level)),
  };
}
