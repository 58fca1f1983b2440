// Runs the tasks of a batch one after the other, and says in the shared cells how far it is.

import { copy } from "../src/core/payload/capture.js";
import type { WireError } from "../src/core/payload/thrown.js";
import { toWire } from "../src/core/payload/to-wire.js";
import {
  aborted,
  type BatchMessage,
  type BatchReply,
  begun,
  failed,
  returned,
  type SlotMemory,
  sharedNow,
  succeeded,
  untouched,
} from "../src/engine/threads/protocol.js";
import { Context } from "./context.js";
import type { Outbox } from "./outbox.js";
import { isSmall } from "./results.js";
import type { TaskFunction } from "./tasks.js";

/** What a thread has for all its batches. */
export interface Surroundings {
  readonly tasks: ReadonlyMap<string, TaskFunction>;
  readonly idPrefix: string;
  readonly outbox: Outbox;
}

export class Batch {
  #failures: WireError[] | undefined;
  #values: unknown[] | undefined;
  #kept: [number, string | null][] | undefined;
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
    const { cells, beganAt } = this.memory;
    const count = this.message[3].length;
    this.#start = sharedNow();
    for (; this.#index < count; this.#index++) {
      const index = this.#index;
      // Before the cell says that it has begun, or the main thread might time it from the beginning of another.
      beganAt[0] = this.#start;
      if (Atomics.compareExchange(cells, index, untouched, begun) !== untouched) continue;
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
    this.#ended(index, value === undefined ? succeeded : returned);
  }

  #threw(index: number, error: unknown): void {
    this.#failures ??= [];
    this.#failures.push(toWire(error));
    this.#ended(index, failed);
  }

  #ended(index: number, how: typeof succeeded | typeof returned | typeof failed): void {
    const now = sharedNow();
    this.memory.runMs[index] = now - this.#start;
    this.#start = now;
    Atomics.store(this.memory.cells, index, how);
  }

  /** What there is to reply so far; also asked when the thread is made to exit in the middle. */
  reply(): BatchReply {
    const [slot] = this.message;
    if (this.#kept !== undefined) return [slot, this.#values, this.#failures, this.#kept];
    if (this.#failures !== undefined) return [slot, this.#values, this.#failures];
    return this.#values === undefined ? slot : [slot, this.#values];
  }

  /** How many tasks are done with, while one runs. */
  get ended(): number {
    return this.#currentIndex;
  }

  /** The main thread wants the task at `index` to end. */
  abort(index: number, reason: Error): void {
    if (index === this.#currentIndex && Atomics.load(this.memory.cells, index) === aborted)
      this.#current?.abort(reason);
  }

  #call(index: number): unknown {
    const [, names, seqs, payloads, rest] = this.message;
    const name = typeof names === "string" ? names : (names[index] ?? "");
    const task = this.around.tasks.get(name);
    // The main thread knows the names of this module; it checks before it sends.
    if (task === undefined) throw new TypeError(`the tasks module exports no function ${name}`);
    this.#currentIndex = index;
    this.#current = new Context(
      this.memory,
      index,
      this.around.idPrefix,
      seqs[index] ?? 0,
      rest?.ids?.[index],
      name,
      rest?.attempts?.[index] ?? 1,
      rest?.contexts?.[index],
      this.around.outbox,
    );
    return task(payloads[index], this.#current);
  }

  #keep(index: number, value: unknown): void {
    this.#values ??= [];
    try {
      if (this.memory.wanted[index] === 0 && !isSmall(value)) {
        this.#leave(null);
        return;
      }
      // By value now, for the task may go on to change what it returned; and posted as it is, a value that cannot be
      // cloned would kill the thread.
      this.#values.push(copy(value, "result"));
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
