// Runs the tasks of a batch one after the other, and writes into the shared slot states how far it is.
import { threadId } from "node:worker_threads";
import { sharedNow } from "../src/base/time.js";
import { captureForMoving } from "../src/core/payload/capture.js";
import { restore } from "../src/core/payload/restore.js";
import { toWire } from "../src/core/payload/to-wire.js";
import { fromWireForm, toWireForm, transferList } from "../src/core/payload/wire-form.js";
import { type AroundTask, runAround } from "../src/core/trace/around.js";
import type { RunMessage } from "../src/core/trace/channels.js";
import { isRunTraced, traceRun } from "../src/core/trace/trace-run.js";
import type { TaskFunction } from "../src/engine/tasks/load-tasks.js";
import type { BatchMessage, BatchReply, TracedTask } from "../src/engine/threads/protocol.js";
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
import { isPoisoned, isThenable, whenSettled } from "./primordials.js";
import type { RemarkSender } from "./remark-sender.js";
import { isSmall } from "./results.js";

// For an error that cannot be taken apart, because a task has broken the functions for that. The text is that of toFailureForm.
const unreadableError: FailureForm = '+["Error","an error that cannot be read",null,null]';

/** What a thread has for all its batches. */
export interface Surroundings {
  /** By name, without a prototype. */
  readonly tasks: Readonly<Record<string, TaskFunction>>;
  readonly idPrefix: string;
  readonly remarks: RemarkSender;
  /** What goes around each task. Mostly empty. */
  readonly around: readonly AroundTask[];
  /** The name of the offloader. */
  readonly offloader: string;
  readonly followUps: FollowUps;
}

/** Receives the end of a batch. */
export interface BatchObserver {
  /** Every task of the batch has ended. */
  over(batch: Batch): void;
  /** The thread's own code failed, so the batch will never end. */
  broken(error: unknown): void;
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
  /** Of the next task in the list of the traced ones. */
  #traced = 0;

  readonly #message: BatchMessage;
  readonly #memory: SlotMemory;
  readonly #around: Surroundings;
  readonly #observer: BatchObserver;

  constructor(message: BatchMessage, memory: SlotMemory, around: Surroundings, observer: BatchObserver) {
    this.#message = message;
    this.#memory = memory;
    this.#around = around;
    this.#observer = observer;
  }

  get slot(): number {
    return this.#message[0];
  }

  /**
   * Runs all tasks that the main thread has not taken back, and reports the end of the batch to the observer. It waits only
   * for a task that returned a promise: a batch of tiny synchronous tasks is one synchronous run. From here to the reply
   * nothing is used that a task can replace: no method of an array or a promise, and no promise of a reply, whose `then`
   * might be anything.
   */
  run(): void {
    const count = this.#message[3].length;
    this.#start = sharedNow();
    for (; this.#index < count; this.#index++) {
      const index = this.#index;
      if (isPoisoned()) {
        this.#observer.broken(new Error("a task has put `then` on Object.prototype"));
        return;
      }
      if (!begin(this.#memory, index, this.#start)) continue;
      try {
        const outcome = this.#call(index);
        if (isThenable(outcome)) {
          whenSettled(outcome, this.#fulfilled, this.#rejected);
          return;
        }
        this.#returned(index, outcome);
      } catch (error) {
        this.#threw(index, error);
      }
    }
    this.#current = undefined;
    this.#observer.over(this);
  }

  readonly #fulfilled = (value: unknown): void => this.#goOn((index) => this.#returned(index, value));
  readonly #rejected = (error: unknown): void => this.#goOn((index) => this.#threw(index, error));

  /** Runs the rest of the batch, after a task that returned a promise. */
  #goOn(end: (index: number) => void): void {
    try {
      end(this.#index++);
      this.run();
    } catch (error) {
      this.#observer.broken(error);
    }
  }

  #returned(index: number, value: unknown): void {
    if (value !== undefined) this.#keep(index, value);
    this.#ended(index, value === undefined ? slotState.succeeded : slotState.returned);
  }

  #threw(index: number, error: unknown): void {
    this.#failures ??= [];
    this.#failures[this.#failures.length] = failureForm(error);
    this.#ended(index, slotState.failed);
  }

  #ended(index: number, how: EndState): void {
    const at = sharedNow();
    end(this.#memory, index, how, at - this.#start);
    this.#start = at;
  }

  /** The outcomes that have not been sent yet. They count as sent from now on. */
  reply(): BatchReply {
    const slot = this.#message[0];
    const values = this.#values;
    const failures = this.#failures;
    const kept = this.#kept;
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
    if (index === this.#currentIndex && stateAt(this.#memory, index) === slotState.stopping)
      this.#current?.abort(reason);
  }

  #call(index: number): unknown {
    const message = this.#message;
    const names = message[1];
    const rest = message[4];
    const name = typeof names === "string" ? names : (names[index] ?? "");
    const task = this.#around.tasks[name];
    // Reached only where the module has changed: the main thread checks the names before it sends.
    if (task === undefined) throw new TypeError(`the tasks module exports no function ${name}`);
    this.#currentIndex = index;
    this.#current = new Context(
      this.#memory,
      index,
      this.#around,
      message[2][index] ?? 0,
      rest?.ids?.[index],
      name,
      rest?.attempts?.[index] ?? 1,
      restore(fromWireForm(rest?.contexts?.[index])),
      this.#tracedAt(index)?.[1],
    );
    const payload = restore(fromWireForm(message[3][index]));
    const context = this.#current;
    if (this.#around.around.length === 0 && !isRunTraced()) return task(payload, context);
    const code = (): unknown => runAround(this.#around.around, context, () => task(payload, context));
    return isRunTraced() ? traceRun(this.#runOf(context, index), code, whenSettled) : code();
  }

  /** What travels with a task. Asked for in the order of the tasks. */
  #tracedAt(index: number): TracedTask | undefined {
    const traced = this.#message[4]?.traced;
    if (traced === undefined) return undefined;
    while ((traced[this.#traced]?.[0] ?? index) < index) this.#traced++;
    const next = traced[this.#traced];
    return next?.[0] === index ? next : undefined;
  }

  #runOf({ id, task, attempt, carrier }: Context, index: number): RunMessage {
    const rest = this.#message[4];
    const traced = this.#tracedAt(index);
    return {
      offloader: this.#around.offloader,
      task,
      kind: "task",
      id,
      attempt,
      replayed:
        rest?.ids?.[index] !== undefined && id !== this.#around.idPrefix + (this.#message[2][index] ?? 0).toString(36),
      threadId,
      priority: traced?.[2],
      waitMs: traced?.[3],
      carrier,
    };
  }

  #keep(index: number, value: unknown): void {
    this.#values ??= [];
    try {
      if (this.#memory.wanted[index] === 0 && !isSmall(value)) {
        this.#leave(null);
        return;
      }
      // Captured now, because the task may go on to change what it returned. Posted as it is, a value that cannot be cloned
      // would kill the thread.
      const captured = captureForMoving(value, "result");
      const wire = toWireForm(captured);
      const moves = transferList(captured);
      if (moves.length > 0) this.#transfers = [...(this.#transfers ?? []), ...moves];
      this.#values[this.#values.length] = wire;
    } catch (error) {
      this.#leave(error instanceof Error ? error.message : String(error));
    }
  }

  /** The value stays behind; its place in the list stays empty. */
  #leave(why: string | null): void {
    this.#values ??= [];
    this.#kept ??= [];
    this.#kept[this.#kept.length] = [this.#values.length, why];
    this.#values[this.#values.length] = undefined;
  }
}

function failureForm(error: unknown): FailureForm {
  try {
    return toFailureForm(toWire(error));
  } catch {
    return unreadableError;
  }
}
