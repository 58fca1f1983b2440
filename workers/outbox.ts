// Progress and log lines on their way to the main thread: as many as it keeps up with, the rest counted.
import { inspect } from "node:util";
import { parentPort, threadId } from "node:worker_threads";
import { consumedField, type FromThread, type LogLevel, messageCredit, postedField } from "../src/pool/protocol.js";
import { copy } from "../src/task/capture.js";
import { toWire } from "./wire.js";

const from = { afterResponse: "thread", threadId } as const;

export class Outbox {
  #dropped = 0;

  constructor(private readonly header: Int32Array) {}

  progress(seq: number, value: unknown): void {
    // Read before the credit is asked for: a value that cannot be cloned throws in the task that reports it.
    const copied = copy(value, "progress");
    if (this.#hasCredit()) this.#post({ ...from, kind: "progress", seq, value: copied });
  }

  log(seq: number, level: LogLevel, message: string, fields: object | undefined): void {
    if (this.#hasCredit())
      this.#post({ ...from, kind: "log", seq, level, message, ...(fields && { fields: toFields(fields) }) });
  }

  /** Something that belongs to no running task. Lines do not take its place. */
  stray(error: unknown): void {
    if (this.#hasCredit(2 * messageCredit)) this.#post({ ...from, kind: "stray", error: toWire(error) });
  }

  /** Says how many were dropped, if any were. Called at the end of a batch, for its task may say nothing more. */
  tellDropped(): void {
    if (this.#dropped === 0) return;
    const count = this.#dropped;
    this.#dropped = 0;
    this.#post({ ...from, kind: "dropped", count });
  }

  post(message: FromThread): void {
    parentPort?.postMessage(message);
  }

  /** A main thread that is busy, or a task that logs in a loop, must not fill the memory with lines. */
  #hasCredit(credit: number = messageCredit): boolean {
    const underWay = Atomics.load(this.header, postedField) - Atomics.load(this.header, consumedField);
    if (underWay < credit) return true;
    this.#dropped++;
    return false;
  }

  #post(message: FromThread): void {
    this.post(message);
    // Not before it is posted: the main thread waits for as many before it tells the end of a task.
    Atomics.add(this.header, postedField, 1);
    this.tellDropped();
  }
}

/** Fields as they can be cloned: errors in parts, what cannot be cloned in words. */
function toFields(fields: object): object {
  const entries = Object.entries(fields).map(([key, value]) => [key, toField(value)]);
  return Object.fromEntries(entries);
}

function toField(value: unknown): unknown {
  try {
    if (!(value instanceof Error)) return copy(value);
    const { name, message, stack } = value;
    return copy({ name, message, stack, code: Reflect.get(value, "code") });
  } catch {
    return inspect(value, { depth: 2 });
  }
}
