// Runs the tasks of a batch one after the other, and writes into the shared slot states how far it is.
import { sharedNow } from "../src/base/time.js";
import { captureForMoving } from "../src/core/payload/capture.js";
import { restore } from "../src/core/payload/restore.js";
import { toWire } from "../src/core/payload/to-wire.js";
import { fromWireForm, toWireForm, transferList } from "../src/core/payload/wire-form.js";
import type { TaskFunction } from "../src/engine/tasks/load-tasks.js";
import type { BatchMessage, BatchReply } from "../src/engine/threads/protocol.js";
import { type FailureForm, toFailureForm } from "../src/engine/threads/slots/failure-form.js";
import {
  begin,
  type EndState,
  end,
  type SlotMemory,
  slotState,
  stateAt,
} from "../src/engine/threads/slots/slot-memory.js";
import { Context } from "./context.js";
import type { FollowUps } from "./follow-ups.js";
import type { RemarkSender } from "./remark-sender.js";
import { isSmall } from "./results.js";

/** What a thread has for all its batches. */
export interface Surroundings {
  readonly tasks: ReadonlyMap<string, TaskFunction>;
  readonly idPrefix: string;
  readonly remarks: RemarkSender;
  readonly followUps: FollowUps;
}

export class Batch {
  #failures: FailureForm[] | undefined;
  #values: unknown[] | undefined;
  #kept: [number, string | null][] | undefined;
  #transfers: readonly object[] | undefined;
  /** The task whose turn it is. */
  #index = 0;
  /** When it began. */
  #start = 0;
  #current: Context | undefined;
  #currentIndex = -1;

  constructor(
    private readonly message: BatchMessage,
    private readonly memory: SlotMemory,
    private readonly around: Surroundings,
  ) {}

  /**
   * Runs all tasks that the main thread has not taken back. Returns a promise only where a task did: a batch of tiny
   * synchronous tasks is one synchronous run.
   */
  run(): BatchReply | Promise<BatchReply> {
    const count = this.message[3].length;
    this.#start = sharedNow();
    for (; this.#index < count; this.#index++) {
      const index = this.#index;
      if (!begin(this.memory, index, this.#start)) continue;
      try {
        const outcome = this.#call(index);
        if (isThenable(outcome)) return this.#finish(outcome);
        this.#returned(index, outcome);
      } catch (error) {
        this.#threw(index, error);
      }
    }
    this.#current = undefined;
    return this.reply();
  }

  /** The rest of the batch, from a task on that returned a promise. */
  async #finish(outcome: PromiseLike<unknown>): Promise<BatchReply> {
    const index = this.#index++;
    try {
      this.#returned(index, await outcome);
    } catch (error) {
      this.#threw(index, error);
    }
    return this.run();
  }

  #returned(index: number, value: unknown): void {
    if (value !== undefined) this.#keep(index, value);
    this.#ended(index, value === undefined ? slotState.succeeded : slotState.returned);
  }

  #threw(index: number, error: unknown): void {
    this.#failures ??= [];
    this.#failures.push(toFailureForm(toWire(error)));
    this.#ended(index, slotState.failed);
  }

  #ended(index: number, how: EndState): void {
    const at = sharedNow();
    end(this.memory, index, how, at - this.#start);
    this.#start = at;
  }

  /** The outcomes that have not been sent yet. They count as sent from now on. */
  reply(): BatchReply {
    const [slot] = this.message;
    const [values, failures, kept] = [this.#values, this.#failures, this.#kept];
    this.#values = undefined;
    this.#failures = undefined;
    this.#kept = undefined;
    if (kept !== undefined) return [slot, values, failures, kept];
    if (failures !== undefined) return [slot, values, failures];
    return values === undefined ? slot : [slot, values];
  }

  /** What moves with the reply that was made last. */
  takeTransfers(): readonly object[] | undefined {
    const transfers = this.#transfers;
    this.#transfers = undefined;
    return transfers;
  }

  /** While a task runs: how many tasks, from the beginning of the batch on, have ended or were withdrawn. */
  get ended(): number {
    return this.#currentIndex;
  }

  /** The main thread wants the task at `index` to stop. */
  stop(index: number, reason: Error): void {
    if (index === this.#currentIndex && stateAt(this.memory, index) === slotState.stopping)
      this.#current?.abort(reason);
  }

  #call(index: number): unknown {
    const [, names, seqs, payloads, rest] = this.message;
    const name = typeof names === "string" ? names : (names[index] ?? "");
    const task = this.around.tasks.get(name);
    // Reached only where the module has changed: the main thread checks the names before it sends.
    if (task === undefined) throw new TypeError(`the tasks module exports no function ${name}`);
    this.#currentIndex = index;
    this.#current = new Context(
      this.memory,
      index,
      this.around,
      seqs[index] ?? 0,
      rest?.ids?.[index],
      name,
      rest?.attempts?.[index] ?? 1,
      restore(fromWireForm(rest?.contexts?.[index])),
    );
    return task(restore(fromWireForm(payloads[index])), this.#current);
  }

  #keep(index: number, value: unknown): void {
    this.#values ??= [];
    try {
      if (this.memory.wanted[index] === 0 && !isSmall(value)) {
        this.#leave(null);
        return;
      }
      // Captured now, because the task may go on to change what it returned. Posted as it is, a value that cannot be cloned
      // would kill the thread.
      const captured = captureForMoving(value, "result");
      this.#values.push(toWireForm(captured));
      const moves = transferList(captured);
      if (moves.length > 0) this.#transfers = [...(this.#transfers ?? []), ...moves];
    } catch (error) {
      this.#leave(error instanceof Error ? error.message : String(error));
    }
  }

  /** The value stays behind; its place in the list stays empty. */
  #leave(why: string | null): void {
    this.#values ??= [];
    this.#kept ??= [];
    this.#kept.push([this.#values.push(undefined) - 1, why]);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof Reflect.get(value, "then") === "function";
}
