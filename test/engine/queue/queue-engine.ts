// An engine that is nothing but its queue: a test takes the tasks out and ends them.
import type { Task } from "../../../src/core/task.js";
import type { Engine, EngineHost } from "../../../src/engine/engine.js";
import { TaskQueue } from "../../../src/engine/queue/task-queue.js";

export class QueueEngine implements Engine {
  readonly unended = 0;
  readonly name = "queue";
  /** How often the queue said that there is work. */
  woken = 0;
  #host: EngineHost | undefined;
  readonly queue = new TaskQueue({
    started: (task) => this.#host?.started(task),
    work: () => void this.woken++,
  });

  start(host: EngineHost): void {
    this.#host = host;
  }

  prepare(): void {}
  want(): void {}
  halt(): void {}
  async close(): Promise<void> {}

  add(task: Task): void {
    this.queue.add(task);
  }

  remove(task: Task): void {
    this.queue.remove(task);
  }

  stop(): "ended" {
    return "ended";
  }

  pause(name?: string): void {
    this.queue.pause(name);
  }

  resume(name?: string): void {
    this.queue.resume(name);
  }

  /** The next task, started. */
  take(): Task | undefined {
    return this.queue.take();
  }

  /** All tasks that may run at the same time, started. */
  takeAll(): Task[] {
    const taken: Task[] = [];
    for (let task = this.take(); task !== undefined; task = this.take()) taken.push(task);
    return taken;
  }

  succeed(task: Task): void {
    this.#host?.succeeded(task, undefined);
    this.queue.freed(task.definition);
  }

  fail(task: Task): void {
    this.#host?.failed(task, new Error("failed"), true);
    this.queue.freed(task.definition);
  }

  /** No attempt follows. */
  failForGood(task: Task): void {
    this.#host?.failed(task, new Error("failed"), false);
    this.queue.freed(task.definition);
  }

  /** A started task comes back, whose code has not begun. */
  takeBack(task: Task): void {
    this.#host?.returned(task);
    this.queue.freed(task.definition);
    this.queue.putBack(task);
  }
}
