// What a task is given beside its payload.
import { setMaxListeners } from "node:events";
import type { FollowUpOptions } from "../src/core/follow-up.js";
import type { TaskContext, TaskLog } from "../src/core/task-context.js";
import { type SlotMemory, slotState, stateAt } from "../src/engine/threads/slots/slot-memory.js";
import type { FollowUps } from "./follow-ups.js";
import type { RemarkSender } from "./remark-sender.js";

/** What the contexts of a thread share. */
interface Around {
  readonly idPrefix: string;
  readonly remarks: RemarkSender;
  readonly followUps: FollowUps;
}

export class Context implements TaskContext {
  #controller: AbortController | undefined;
  #log: TaskLog | undefined;
  #reason: Error | undefined;

  // Not `private`: a task that reached the memory could forge the ends of others.
  readonly #memory: SlotMemory;
  readonly #index: number;
  readonly #around: Around;
  readonly #replayedId: string | undefined;

  /** @param replayedId the id of a task that another process accepted: it is not made of `idPrefix` and `seq` */
  constructor(
    memory: SlotMemory,
    index: number,
    around: Around,
    readonly seq: number,
    replayedId: string | undefined,
    readonly task: string,
    readonly attempt: number,
    readonly context: unknown,
    readonly carrier: TaskContext["carrier"],
  ) {
    this.#memory = memory;
    this.#index = index;
    this.#around = around;
    this.#replayedId = replayedId;
  }

  get id(): string {
    return this.#replayedId ?? this.#around.idPrefix + this.seq.toString(36);
  }

  get signal(): AbortSignal {
    this.#controller ??= quietController();
    // The message that wakes the signal may still be on its way.
    if (this.aborted && !this.#controller.signal.aborted) this.#controller.abort(this.#why());
    return this.#controller.signal;
  }

  get aborted(): boolean {
    return this.#reason !== undefined || stateAt(this.#memory, this.#index) === slotState.stopping;
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.#why();
  }

  progress(value: unknown): void {
    this.#around.remarks.progress(this.seq, value);
  }

  offload(name: string, payload?: unknown, options?: FollowUpOptions): Promise<{ readonly id: string }> {
    return this.#around.followUps.send(this, name, payload, options);
  }

  get log(): TaskLog {
    const line = (level: keyof TaskLog) => (message: string, fields?: object) => {
      this.#around.remarks.log(this.seq, level, String(message), fields);
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

/** A task hands its signal on to all it does at the same time. Node would warn of a leak from the eleventh listener on. */
function quietController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}
