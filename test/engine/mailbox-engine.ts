// An engine that runs nothing itself: it hands its tasks over to another process, as one with a distributed queue does. That
// process is a list here.
import { nextTurn } from "../../src/base/time.js";
import type { Captured } from "../../src/core/payload/payload.js";
import type { Task } from "../../src/core/task.js";
import type { Engine, EngineHost } from "../../src/engine/engine.js";
import { TaskQueue } from "../../src/engine/queue/task-queue.js";

/** What the other process gets of a task. */
export interface Letter {
  readonly id: string;
  readonly name: string;
  readonly payload: Captured;
  readonly attempt: number;
}

export class MailboxEngine implements Engine {
  readonly unended = 0;
  readonly name = "mailbox";
  /** What has been handed over, in its order. */
  readonly letters: Letter[] = [];
  /** Thrown instead of the next delivery: the other side cannot be reached. */
  failure: Error | undefined;
  #host: EngineHost | undefined;
  #sending = false;
  #halted = false;
  readonly #queue = new TaskQueue({
    started: (task) => this.#host?.started(task),
    work: () => this.#sendSoon(),
  });

  start(host: EngineHost): void {
    this.#host = host;
    host.ready();
  }

  prepare(): void {}
  want(): void {}

  add(task: Task): void {
    this.#queue.add(task);
  }

  remove(task: Task): void {
    this.#queue.remove(task);
  }

  /** What was handed over is final here; nothing is under way between two turns. */
  stop(): "ended" {
    return "ended";
  }

  pause(task?: string): void {
    this.#queue.pause(task);
  }

  resume(task?: string): void {
    this.#queue.resume(task);
  }

  halt(): void {
    this.#halted = true;
  }

  async close(): Promise<void> {
    this.#halted = true;
  }

  #sendSoon(): void {
    if (this.#sending) return;
    this.#sending = true;
    nextTurn(() => {
      this.#sending = false;
      this.#host?.together(() => this.#sendWaiting());
    });
  }

  #sendWaiting(): void {
    while (!this.#halted) {
      const task = this.#queue.take();
      if (task === undefined) return;
      this.#send(task);
      this.#queue.freed(task.definition);
    }
  }

  #send(task: Task): void {
    const { id, attempt, payload, definition } = task;
    this.#host?.beforeDeparture();
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) {
      this.#host?.failed(task, failure, true);
      return;
    }
    this.letters.push({ id, name: definition.name, payload, attempt });
    this.#host?.handedOver(task);
  }
}
