// What a task is given beside its payload.
import type { SlotMemory } from "../src/engine/threads/protocol.js";
import { aborted } from "../src/engine/threads/protocol.js";
import type { Outbox } from "./outbox.js";

/** Writes to the main thread's logger, with the task's name and id. Bounded: what the main thread cannot keep up with is dropped and counted. */
export interface TaskLog {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}

/** The second argument of a task. */
export interface TaskContext {
  /** The task's id, the same on every attempt: fit as an idempotency key. */
  readonly id: string;
  /** The task's name. */
  readonly task: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Aborts on timeout, cancel and the shutdown deadline. A task that does not stop then loses its thread after a grace. */
  readonly signal: AbortSignal;
  /** The same, read from shared memory: right also within a synchronous loop, in which no event arrives. */
  readonly aborted: boolean;
  /** Throws the reason once the task is aborted, also within a synchronous loop. */
  throwIfAborted(): void;
  /** Tells the main thread how far the task is: event `progress`. */
  progress(value: unknown): void;
  readonly log: TaskLog;
  /** What the offloader's `context` option returned at the call. */
  readonly context: unknown;
}

export class Context implements TaskContext {
  #controller: AbortController | undefined;
  #log: TaskLog | undefined;
  #reason: Error | undefined;

  constructor(
    private readonly memory: SlotMemory,
    private readonly index: number,
    private readonly idPrefix: string,
    private readonly seq: number,
    /** The id where it is not made of the two. */
    private readonly foreignId: string | undefined,
    readonly task: string,
    readonly attempt: number,
    readonly context: unknown,
    private readonly outbox: Outbox,
  ) {}

  get id(): string {
    return this.foreignId ?? this.idPrefix + this.seq.toString(36);
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    // The message that wakes the signal may still be on its way.
    if (this.aborted && !this.#controller.signal.aborted) this.#controller.abort(this.#why());
    return this.#controller.signal;
  }

  get aborted(): boolean {
    return this.#reason !== undefined || Atomics.load(this.memory.cells, this.index) === aborted;
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.#why();
  }

  progress(value: unknown): void {
    this.outbox.progress(this.seq, value);
  }

  get log(): TaskLog {
    const line = (level: keyof TaskLog) => (message: string, fields?: object) => {
      this.outbox.log(this.seq, level, String(message), fields);
    };
    this.#log ??= { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
    return this.#log;
  }

  /** @internal The main thread's message that the task is to end. */
  abort(reason: Error): void {
    this.#reason = reason;
    this.#controller?.abort(reason);
  }

  #why(): Error {
    return this.#reason ?? new DOMException("the task was aborted", "AbortError");
  }
}
