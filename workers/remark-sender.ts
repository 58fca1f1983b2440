// Sends progress and log lines to the main thread: as many as it keeps up with. The rest is counted.
import type { MessagePort } from "node:worker_threads";
import { captureFields } from "../src/core/log/captured-fields.js";
import { captureForMoving } from "../src/core/payload/capture.js";
import { toWire } from "../src/core/payload/to-wire.js";
import { toWireForm, type WireForm } from "../src/core/payload/wire-form.js";
import { type LogLevel, type Remark, remarkCredit } from "../src/engine/threads/protocol.js";
import { remarksUnderWay } from "../src/engine/threads/slots/slot-memory.js";
import { post } from "./primordials.js";

export class RemarkSender {
  #sent = 0;
  #dropped = 0;

  // Not `private`: what a task can reach from its context, it can change.
  readonly #header: Int32Array;
  readonly #port: MessagePort;

  constructor(header: Int32Array, port: MessagePort) {
    this.#header = header;
    this.#port = port;
  }

  progress(seq: number, value: unknown): void {
    // Captured before the credit is asked for, so that a value that cannot be cloned always throws in the task.
    const captured = captureForMoving(value, "progress");
    if (this.#hasCredit()) this.#post({ kind: "progress", seq, value: toWireForm(captured) });
  }

  log(seq: number, level: LogLevel, message: string, fields: object | undefined): void {
    if (this.#hasCredit())
      this.#post({ kind: "log", seq, level, message, ...(fields && { fields: toFields(fields) }) });
  }

  /** An error that belongs to no running task. It has credit left when log lines have used up theirs. */
  stray(error: unknown): void {
    if (this.#hasCredit(2 * remarkCredit)) this.#post({ kind: "stray", error: toWire(error) });
  }

  /** Reports how many were dropped, if any were. Called at the end of a batch, because its task may send nothing more. */
  reportDropped(): void {
    if (this.#dropped === 0) return;
    const count = this.#dropped;
    this.#dropped = 0;
    this.#post({ kind: "dropped", count });
  }

  /** A busy main thread, or a task that logs in a loop, must not fill the memory with lines. */
  #hasCredit(credit: number = remarkCredit): boolean {
    if (remarksUnderWay(this.#header, this.#sent) < credit) return true;
    this.#dropped++;
    return false;
  }

  #post(remark: Remark): void {
    post(this.#port, remark);
    this.#sent++;
    this.reportDropped();
  }
}

/** Each field as it crosses to the main thread. */
function toFields(fields: object): Record<string, WireForm> {
  const entries = Object.entries(captureFields(fields));
  return Object.fromEntries(entries.map(([name, field]) => [name, toWireForm(field)]));
}
