// Why tasks fail: their errors, grouped by task, name, code and the first own line of the stack. Bounded in number and in bytes.
import { now, wallClock } from "../../base/time.js";
import type { TaskEvent } from "../../core/events.js";

const mostGroups = 50;
const mostBytes = 1_048_576;
const mostStack = 4_096;
const mostIds = 5;
/** Errors that are looked at in one second; of the others only the number is kept. */
const mostASecond = 100;

/** Failures that have the same cause, as far as can be told. */
export interface FailureGroup {
  readonly task: string;
  readonly name: string;
  readonly code: string;
  /** With numbers, hexadecimal digits and UUIDs as `#`. */
  readonly message: string;
  /** The first line of the stack that is in no package and not in Node. */
  readonly frame: string;
  readonly stack: string;
  /** Tasks that failed for good, and attempts that were followed by another. */
  failed: number;
  retried: number;
  /** ms since 1970. */
  readonly first: number;
  last: number;
  /** The last ones, newest first. */
  readonly ids: string[];
}

export class Failures {
  readonly #groups = new Map<string, FailureGroup>();
  #bytes = 0;
  #second = 0;
  #inSecond = 0;
  /** Changes with every failure. */
  version = 0;
  /** How many were counted without a look at their error, because there were too many in one second. */
  unseen = 0;

  /** @param isFinal whether the task failed for good, or is tried again */
  add(event: Pick<TaskEvent, "id" | "task" | "error">, isFinal: boolean): void {
    this.version++;
    const second = Math.floor(now() / 1_000);
    if (second !== this.#second) [this.#second, this.#inSecond] = [second, 0];
    if (this.#inSecond++ >= mostASecond) {
      this.unseen++;
      return;
    }
    const group = this.#groupOf(event.task, describeError(event.error));
    if (isFinal) group.failed++;
    else group.retried++;
    group.last = Math.round(wallClock());
    if (group.ids[0] !== event.id) group.ids.unshift(event.id);
    group.ids.length = Math.min(group.ids.length, mostIds);
  }

  /** The group that grew last comes first. */
  all(): FailureGroup[] {
    return [...this.#groups.values()].reverse();
  }

  #groupOf(task: string, error: ErrorText): FailureGroup {
    const key = JSON.stringify([task, error.name, error.code, error.frame || error.message]);
    let group = this.#groups.get(key);
    if (group === undefined) {
      const at = Math.round(wallClock());
      group = { task: task.slice(0, 200), ...error, failed: 0, retried: 0, first: at, last: at, ids: [] };
      this.#bytes += sizeOf(group);
    }
    // The order of the map is that of the last failures.
    this.#groups.delete(key);
    this.#groups.set(key, group);
    this.#forgetOld();
    return group;
  }

  #forgetOld(): void {
    for (const [key, group] of this.#groups) {
      if (this.#groups.size <= mostGroups && this.#bytes <= mostBytes) return;
      this.#groups.delete(key);
      this.#bytes -= sizeOf(group);
    }
  }
}

type ErrorText = Pick<FailureGroup, "name" | "code" | "message" | "frame" | "stack">;

/** Each character may take two bytes; ids and numbers are a few hundred. */
function sizeOf({ task, name, message, frame, stack }: FailureGroup): number {
  return 1_000 + 2 * (task.length + name.length + message.length + frame.length + stack.length);
}

function describeError(error: unknown): ErrorText {
  const stack = textOf(error, "stack").slice(0, mostStack);
  return {
    name: textOf(error, "name").slice(0, 100) || "Error",
    code: textOf(error, "code").slice(0, 100),
    message: withoutNumbers(textOf(error, "message") || (error instanceof Object ? "" : String(error))),
    frame: ownFrame(stack),
    stack,
  };
}

// A getter of the user's may throw, and a field may be anything.
function textOf(error: unknown, field: string): string {
  try {
    const value: unknown = typeof error === "object" && error !== null ? Reflect.get(error, field) : undefined;
    return typeof value === "string" || typeof value === "number" ? String(value) : "";
  } catch {
    return "";
  }
}

function withoutNumbers(message: string): string {
  return message
    .slice(0, 300)
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, "#")
    .replace(/\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b/gi, "#")
    .replace(/\d+/g, "#");
}

function ownFrame(stack: string): string {
  const frames = stack.split("\n").filter((line) => /^\s*at /.test(line));
  const own = frames.find((line) => !/node:|node_modules|<anonymous>|offload-after-response-runner/.test(line)) ?? "";
  const place = own
    .trim()
    .replace(/^at /, "")
    .replace(/file:\/\//, "");
  // The end of a path says more than its beginning.
  return place.replace(/\(?(\/[^()]*\/)([^/()]+\/[^/()]+?)\)?$/, "$2").slice(-160);
}
