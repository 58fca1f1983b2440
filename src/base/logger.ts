// Where the library writes: any object in the manner of pino, fields first.
import { inspect } from "node:util";
import { indented, onOneLine } from "./printable.js";
import { writeLine } from "./stderr.js";

/** A sink for log lines in pino's argument order, so a pino, bunyan or Fastify logger fits as it is. */
export interface Logger {
  debug?(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Writes nothing. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * One line a message on stderr: the message, then the fields as `name=value`, then a stack if there is one, indented. The
 * report of a shutdown is a line of JSON on its own, for those who collect logs. No text can break its line or look like
 * another.
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
    if (name === "report") {
      const report = { level, name: "offload-after-response", msg: message, report: value };
      below += `\n${onOneLine(JSON.stringify(report))}`;
    } else if (value instanceof Error) below += `\n${indented(String(value.stack ?? value.message))}`;
    else if (value !== undefined) line += ` ${onOneLine(name)}=${inText(value)}`;
  }
  // stderr, because stdout may be the program's output.
  writeLine(line + below);
}

/** A value on one line. Quoted where it would look like something else: what a client sent must not forge a line. */
function inText(value: unknown): string {
  if (typeof value === "string" && /^[^\s"=\p{Cc}\p{Cf}]+$/u.test(value)) return value;
  try {
    const text: string | undefined = JSON.stringify(value);
    if (text !== undefined) return onOneLine(text);
  } catch {
    // A BigInt, a circular object: the line is written all the same, because it may be the only word of a failure.
  }
  return onOneLine(inspect(value, { depth: 4, breakLength: Number.POSITIVE_INFINITY }));
}

/** A logger that throws, or rejects, changes nothing for whoever logs through this one. */
export function guardLogger(logger: Logger): Logger {
  const guard =
    (level: "debug" | "info" | "warn" | "error") =>
    (fields: object, message: string): void => {
      try {
        const returned: unknown = logger[level]?.(fields, message);
        if (returned instanceof Promise) returned.catch(() => {});
      } catch {
        // There is nowhere left to report a broken logger to.
      }
    };
  return { debug: guard("debug"), info: guard("info"), warn: guard("warn"), error: guard("error") };
}
