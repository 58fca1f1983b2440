// What a task is given beside its payload.
import type { TaskContext, TaskLog } from "../src/core/task-context.js";
import { type SlotMemory, slotState, stateAt } from "../src/engine/threads/slots/slot-memory.js";
import type { RemarkSender } from "./remark-sender.js";

export class Context implements TaskContext {
  #controller: AbortController | undefined;
  #log: TaskLog | undefined;
  #reason: Error | undefined;

  constructor(
    private readonly memory: SlotMemory,
    private readonly index: number,
    private readonly idPrefix: string,
    private readonly seq: number,
    /** The id of a task that another process accepted: it is not made of the two above. */
    private readonly replayedId: string | undefined,
    readonly task: string,
    readonly attempt: number,
    readonly context: unknown,
    private readonly remarks: RemarkSender,
  ) {}

  get id(): string {
    return this.replayedId ?? this.idPrefix + this.seq.toString(36);
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    // The message that wakes the signal may still be on its way.
    if (this.aborted && !this.#controller.signal.aborted) this.#controller.abort(this.#why());
    return this.#controller.signal;
  }

  get aborted(): boolean {
    return this.#reason !== undefined || stateAt(this.memory, this.index) === slotState.stopping;
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.#why();
  }

  progress(value: unknown): void {
    this.remarks.progress(this.seq, value);
  }

  get log(): TaskLog {
    const line = (level: keyof TaskLog) => (message: string, fields?: object) => {
      this.remarks.log(this.seq, level, String(message), fields);
    };
    this.#log ??= { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
    return this.#log;
  }

  /** @internal The main thread's message that the task is to stop. */
  abort(reason: Error): void {
    this.#reason = reason;
    this.#controller?.abort(reason);
  }

  #why(): Error {
    return this.#reason ?? new DOMException("the task was aborted", "AbortError");
  }
}
