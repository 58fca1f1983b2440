// Runs the tasks of a batch one after the other, and says in the shared cells how far it is.
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
  type WireError,
} from "../src/pool/protocol.js";
import { copy } from "../src/task/capture.js";
import { Context } from "./context.js";
import type { Outbox } from "./outbox.js";
import { isSmall } from "./results.js";
import type { TaskFunction } from "./tasks.js";
import { toWire } from "./wire.js";

/** What a thread has for all its batches. */
export interface Surroundings {
  readonly tasks: ReadonlyMap<string, TaskFunction>;
  readonly idPrefix: string;
  readonly outbox: Outbox;
}

export class Batch {
  readonly #failures: [number, WireError][] = [];
  readonly #values: [number, unknown][] = [];
  readonly #kept: [number, string | null][] = [];
  #current: Context | undefined;
  #currentIndex = -1;

  constructor(
    private readonly message: BatchMessage,
    private readonly memory: SlotMemory,
    private readonly around: Surroundings,
  ) {}

  /** Runs all tasks that the main thread has not taken back. */
  async run(): Promise<BatchReply | undefined> {
    const { cells, beganAt, runMs } = this.memory;
    const count = this.message.payloads.length;
    let start = sharedNow();
    for (let index = 0; index < count; index++) {
      // Before the cell says that it has begun, or the main thread might time it from the beginning of another.
      beganAt[0] = start;
      if (Atomics.compareExchange(cells, index, untouched, begun) !== untouched) continue;
      let end: typeof succeeded | typeof returned | typeof failed = succeeded;
      try {
        const outcome = this.#call(index);
        // A task that is done already is not awaited: a tick a task would be most of the time of a tiny one.
        const value = isThenable(outcome) ? await outcome : outcome;
        if (value !== undefined) {
          end = returned;
          this.#keep(index, value);
        }
      } catch (error) {
        end = failed;
        this.#failures.push([index, toWire(error)]);
      }
      const now = sharedNow();
      runMs[index] = now - start;
      start = now;
      Atomics.store(cells, index, end);
    }
    this.#current = undefined;
    return this.reply();
  }

  /** What there is to reply so far; also asked when the thread is made to exit in the middle. */
  reply(): BatchReply | undefined {
    const reply = {
      ...(this.#failures.length > 0 && { failures: this.#failures }),
      ...(this.#values.length > 0 && { values: this.#values }),
      ...(this.#kept.length > 0 && { kept: this.#kept }),
    };
    return Object.keys(reply).length > 0 ? reply : undefined;
  }

  /** The main thread wants the task at `index` to end. */
  abort(index: number, reason: Error): void {
    if (index === this.#currentIndex && Atomics.load(this.memory.cells, index) === aborted)
      this.#current?.abort(reason);
  }

  #call(index: number): unknown {
    const { names, seqs, attempts, contexts, payloads } = this.message;
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
      name,
      attempts?.[index] ?? 1,
      contexts?.[index],
      this.around.outbox,
    );
    return task(payloads[index], this.#current);
  }

  #keep(index: number, value: unknown): void {
    try {
      if (this.memory.wanted[index] === 0 && !isSmall(value)) {
        this.#kept.push([index, null]);
        return;
      }
      // By value now, for the task may go on to change what it returned; and posted as it is, a value that cannot be
      // cloned would kill the thread.
      this.#values.push([index, copy(value, "result")]);
    } catch (error) {
      this.#kept.push([index, error instanceof Error ? error.message : String(error)]);
    }
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof Reflect.get(value, "then") === "function";
}
