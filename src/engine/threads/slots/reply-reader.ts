// Reads the outcomes of a reply one after the other. The slot states say whether there is one to be read.
import { fromWireForm } from "../../../core/payload/wire-form.js";
import { LostResult } from "../../../core/result.js";
import type { BatchReply, LongReply } from "../protocol.js";
import type { FailureForm } from "./failure-form.js";
import { slotState } from "./slot-memory.js";

const notAskedFor = new LostResult(
  "AR_RESULT_NOT_KEPT",
  "its result was large and nobody had asked for it: call result() at once, or use run()",
);
const lostWithThread = new LostResult("AR_RESULT_NOT_KEPT", "its result was lost with its thread");

export class ReplyReader {
  #failures = 0;
  #values = 0;
  #kept = 0;
  readonly #reply: LongReply | undefined;

  /** @param reply undefined: the thread has sent none, and only the slot states are known */
  constructor(reply: BatchReply | undefined) {
    this.#reply = typeof reply === "number" ? undefined : reply;
  }

  /** Whether it has the outcome of a task in this slot state. */
  has(value: number): boolean {
    if (value === slotState.returned) return this.#values < (this.#reply?.[1]?.length ?? 0);
    if (value === slotState.failed) return this.#failures < (this.#reply?.[2]?.length ?? 0);
    return value === slotState.succeeded || value === slotState.withdrawn;
  }

  /** The error of the next failed task; undefined where it was lost with its thread. */
  failure(): FailureForm | undefined {
    const failure: unknown = this.#reply?.[2]?.[this.#failures++];
    // A message that a task has forged may hold anything.
    return typeof failure === "string" || (typeof failure === "object" && failure !== null)
      ? (failure as FailureForm)
      : undefined;
  }

  /** The captured value of the next task that returned one, or what stands for it. */
  value(): unknown {
    const place = this.#values++;
    const [, values, , kept] = this.#reply ?? [];
    const left = kept?.[this.#kept];
    if (left?.[0] === place) {
      this.#kept++;
      return left[1] === null ? notAskedFor : new LostResult("AR_RESULT_NOT_CLONEABLE", left[1]);
    }
    if (values === undefined || place >= values.length) return lostWithThread;
    return fromWireForm(values[place]);
  }
}
