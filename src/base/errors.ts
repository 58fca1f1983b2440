// The one error class of the library and the list of its codes. A code is stable; a message may be reworded.
import { brandClass } from "./shared.js";

/** Every code and its meaning. `docs/errors.md` documents each, and a test compares the two. */
export const errorCodes = {
  // Refused at the call: nothing was accepted.
  AR_INVALID_OPTIONS: "an option is unknown, of the wrong type, or contradicts another",
  AR_UNSUPPORTED_RUNTIME: "the program is run by something else than Node.js, in which the promise cannot be kept",
  AR_INVALID_ARGUMENT: "an argument of a call is not what the call takes",
  AR_UNKNOWN_TASK: "the tasks module exports no task of this name",
  AR_PAYLOAD_NOT_CLONEABLE: "a part of the payload cannot be copied to a thread",
  AR_IN_THREAD: "the call was made in a thread of the offloader, where task.offload() is the way",
  AR_NO_RESPONSE: "no response was given, and the call was not made while a request is handled",
  AR_QUEUE_FULL: "as many tasks are unfinished as queue.max allows, or their payloads hold as much as queue.maxBytes",
  AR_PAYLOAD_TOO_LARGE:
    "the payload alone is larger than queue.maxBytes, or than the journal's share for unfinished tasks",
  AR_SHUTTING_DOWN: "admission is closed: the offloader drains or has drained",
  AR_TASKS_NOT_LOADABLE: "the tasks module could not be loaded in a thread",
  AR_JOURNAL_FULL: "the journal cannot take the record: its disk is full",
  AR_JOURNAL_UNAVAILABLE: "the journal's directory cannot be used",
  AR_ENGINE_UNAVAILABLE: "the queue of the option engine does not answer",
  // The end of an accepted task.
  AR_TIMEOUT: "the task ran longer than its timeout",
  AR_CANCELLED: "the task was cancelled",
  AR_SKIPPED: "runIf said no to the outcome of the response",
  AR_ABANDONED: "the shutdown deadline came before the task was finished",
  AR_THREAD_EXITED: "the thread ended while it ran the task",
  AR_OUT_OF_MEMORY: "the thread ran out of memory while it ran the task",
  AR_RESULT_NOT_CLONEABLE: "the task succeeded, but its result cannot be copied to the main thread",
  AR_RESULT_NOT_KEPT: "the task succeeded, but its result was lost or too large to keep unasked",
  AR_NOT_FORWARDED: "the queue of the option engine has refused the task for good",
  AR_RUN_ELSEWHERE: "the task was handed over to a queue, and its result is not known here",
  AR_NOT_AN_ERROR: "the task threw something that is not an Error",
} as const;

/** One of the stable codes an {@link OffloadError} carries. */
export type OffloadErrorCode = keyof typeof errorCodes;

interface Answer {
  readonly status: 413 | 503;
  /** After how many seconds a client may try again. Left out where trying again is of no use. */
  readonly retryAfter?: number;
}

/** The codes of a refusal that an HTTP status describes: 503 where it may be over later, 413 where the payload never fits. */
const answers: Partial<Record<OffloadErrorCode, Answer>> = {
  AR_QUEUE_FULL: { status: 503, retryAfter: 1 },
  AR_PAYLOAD_TOO_LARGE: { status: 413 },
  AR_SHUTTING_DOWN: { status: 503, retryAfter: 5 },
  AR_TASKS_NOT_LOADABLE: { status: 503, retryAfter: 30 },
  AR_JOURNAL_FULL: { status: 503, retryAfter: 30 },
  AR_JOURNAL_UNAVAILABLE: { status: 503, retryAfter: 30 },
};

/**
 * What the library throws, and what `result()` rejects with where the task did not throw an error of its own.
 *
 * The error of a refused call that may succeed later has `status`, `statusCode` and `headers`. From these the default
 * error handling of Express and Fastify makes an answer of 503 with `Retry-After`. A payload that can never fit has a status
 * of 413 and no `headers`.
 */
export class OffloadError extends Error {
  /** One of the stable codes. */
  readonly code: OffloadErrorCode;
  /** 503 where the call may succeed later, 413 where its payload can never fit, else absent. */
  declare readonly statusCode?: number;
  /** The same as `statusCode`, under the name that Express reads. */
  declare readonly status?: number;
  /** `Retry-After` in seconds, where the `statusCode` is 503. */
  declare readonly headers?: Readonly<Record<string, string>>;

  /**
   * @param code one of the stable codes
   * @param message what was expected, what was found, what to do
   * @param options `cause` as in `Error`
   */
  constructor(code: OffloadErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    const answer = answers[code];
    if (answer !== undefined) {
      this.statusCode = answer.status;
      this.status = answer.status;
      if (answer.retryAfter !== undefined) this.headers = { "Retry-After": String(answer.retryAfter) };
    }
  }
}

// Not a field of the class, because bundlers rename a class that uses its own name, and stacks show the new name.
Object.defineProperty(OffloadError.prototype, "name", { value: "OffloadError", configurable: true, writable: true });
brandClass(OffloadError, "OffloadError");

/**
 * An error without a stack, for errors whose stack would show only this library. A stack is three quarters of the cost of an
 * error, and at a deadline there may be 50,000 errors to make in half a second.
 */
export function withoutStack(code: OffloadErrorCode, message: string, options?: ErrorOptions): OffloadError {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return new OffloadError(code, message, options);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/**
 * @param call what was called, with the name of the argument
 * @param expected what the argument has to be, in words
 */
export function wrongArgument(call: string, expected: string, given: unknown): OffloadError {
  return new OffloadError("AR_INVALID_ARGUMENT", `${call}: expected ${expected}, got ${describe(given)}`);
}

/** A short description of a value for a message. It shows primitives and nothing of what an object holds. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  switch (typeof value) {
    case "string":
      return JSON.stringify(cut(value));
    case "number":
    case "boolean":
    case "undefined":
      return String(value);
    case "bigint":
      return `${cut(String(value))}n`;
    case "symbol":
      return cut(String(value));
    case "function":
      return value.name ? `the function ${cut(value.name)}` : "a function";
    default:
      return isRevoked(value) ? "a revoked proxy" : describeObject(value);
  }
}

function describeObject(value: object): string {
  if (Array.isArray(value)) return "an array";
  try {
    const name: unknown = Object.getPrototypeOf(value)?.constructor?.name;
    return typeof name === "string" && name !== "Object" && name !== "" ? `an instance of ${cut(name)}` : "an object";
  } catch {
    // A trap of a proxy, or a getter.
    return "an object";
  }
}

/** Whether it is a proxy that has been revoked: whatever is asked of it throws a TypeError. No trap of another proxy is called. */
export function isRevoked(value: unknown): boolean {
  try {
    // Called in this way because minifiers leave out a call of Array.isArray whose answer nobody uses.
    Reflect.apply(Array.isArray, Array, [value]);
    return false;
  } catch {
    return true;
  }
}

/** What a client sends may be long, and the text goes into messages and logs. */
export function cut(text: string, most = 60): string {
  return text.length > most ? `${text.slice(0, most - 3)}...` : text;
}
