// An engine on the main thread: a bounded number of tasks at a time, each isolated from the others. The callbacks engine calls
// closures with it, the inline engine calls the functions of the tasks module.
import { setMaxListeners } from "node:events";
import type { OffloadError } from "../../base/errors.js";
import { afterFairTime, type Clock, nextTurn, realClock } from "../../base/time.js";
import { stopsToBeRetried, timeoutError } from "../../core/early-end.js";
import type { Task } from "../../core/task.js";
import type { Engine, EngineHost } from "../engine.js";
import { TaskQueue } from "../queue/task-queue.js";
import type { Code, Failure } from "./code.js";

export interface MainThreadOptions {
  readonly name: string;
  /** Tasks that run at the same time. */
  readonly concurrency: number;
  /** ms that a task may go on after its signal aborted, before it is given up: nothing can end it. */
  readonly abortGrace: number;
  /** When waiting tasks are started: at the end of this step, or in the next turn of the event loop. */
  readonly soon: (start: () => void) => void;
  readonly clock?: Clock | undefined;
}

/** A task that was started. */
interface Run {
  readonly task: Task;
  readonly controller: AbortController;
  /** When its code began; undefined before that. */
  begunAt: number | undefined;
  /** Removes the timer: that of the timeout, and later that of the grace. */
  disarm: () => void;
}

export class MainThreadEngine implements Engine {
  readonly name: string;
  readonly #options: MainThreadOptions;
  readonly #code: Code;
  readonly #clock: Clock;
  readonly #queue: TaskQueue;
  readonly #running = new Map<Task, Run>();
  #host: EngineHost | undefined;
  #starting = false;
  #halted = false;
  /** Code that has not returned, also of tasks that were given up. */
  #goingOn = 0;

  constructor(options: MainThreadOptions, code: Code) {
    this.name = options.name;
    this.#options = options;
    this.#code = code;
    this.#clock = options.clock ?? realClock;
    this.#queue = new TaskQueue({
      started: (task) => this.#host?.started(task),
      work: () => this.#startSoon(options.soon),
    });
  }

  start(host: EngineHost): void {
    this.#host = host;
    void this.#code.load(host)?.then(() => this.#startSoon(this.#options.soon));
  }

  prepare(): void {}

  /** Results are here already. */
  want(): void {}

  add(task: Task): void {
    this.#queue.add(task);
  }

  remove(task: Task): void {
    this.#queue.remove(task);
  }

  /** Aborts the signal of a running task; it ends as `reason` says once its code has stopped, at the latest after the grace. */
  stop(task: Task, reason: OffloadError): "unbegun" | "stopping" | "ended" {
    const run = this.#running.get(task);
    const stopsAlready = task.abortedBy !== undefined;
    if (run === undefined || (stopsAlready && !stopsToBeRetried(task))) return "ended";
    if (run.begunAt === undefined) {
      this.#running.delete(task);
      this.#queue.freedSoon(task.definition);
      return "unbegun";
    }
    task.abortedBy = reason;
    if (stopsAlready) return "stopping";
    run.disarm();
    const giveUp = (): void => this.#ended(run, { error: reason, retryable: true });
    run.disarm = afterFairTime(this.#options.abortGrace, giveUp, this.#clock);
    run.controller.abort(reason);
    return "stopping";
  }

  pause(task?: string): void {
    this.#queue.pause(task);
  }

  resume(task?: string): void {
    this.#queue.resume(task);
  }

  halt(): void {
    this.#halted = true;
    for (const { task, begunAt } of this.#running.values()) if (begunAt === undefined) this.#takeBack(task);
  }

  async close(): Promise<void> {
    this.#halted = true;
    for (const run of this.#running.values()) run.disarm();
    await this.#code.close();
  }

  get unended(): number {
    return this.#goingOn;
  }

  /** Never within the call that added: a task starts after the code that dispatched it. */
  #startSoon(soon: (start: () => void) => void): void {
    if (this.#starting) return;
    this.#starting = true;
    soon(() => {
      this.#starting = false;
      this.#startWaiting();
    });
  }

  #startWaiting(): void {
    while (!this.#halted && this.#code.ready && this.#running.size < this.#options.concurrency) {
      const run = this.#take();
      if (run === undefined) return;
      // A listener of its start may have stopped it.
      if (this.#running.get(run.task) === run) this.#begin(run);
    }
  }

  /** Starts the next task. The event is delivered before its code begins. */
  #take(): Run | undefined {
    let run: Run | undefined;
    this.#host?.together(() => {
      const task = this.#queue.take();
      if (task === undefined) return;
      const controller = new AbortController();
      // A task hands its signal on to all it does at the same time. Node would warn of a leak from the eleventh listener on.
      setMaxListeners(0, controller.signal);
      run = { task, controller, begunAt: undefined, disarm: () => {} };
      this.#running.set(task, run);
    });
    return run;
  }

  #takeBack(task: Task): void {
    this.#running.delete(task);
    this.#host?.returned(task);
    this.#queue.putBack(task);
  }

  #begin(run: Run): void {
    const { task, controller } = run;
    run.begunAt = this.#clock.now();
    const { timeout } = task.dispatch;
    if (timeout > 0) {
      run.disarm = afterFairTime(timeout, () => void this.stop(task, timeoutError(task)), this.#clock);
    }
    // An async function, so that code that throws at once fails in the same way as code that rejects.
    const running = (async () => this.#code.call(task, controller.signal))();
    this.#goingOn++;
    running.then(
      (value) => {
        this.#goingOn--;
        this.#ended(run, { value });
      },
      (thrown: unknown) => {
        this.#goingOn--;
        this.#ended(run, this.#code.failureOf(thrown));
      },
    );
  }

  /** The first end counts: of the code itself, or of the grace after its abort. */
  #ended(run: Run, end: { readonly value: unknown } | Failure): void {
    const { task, begunAt } = run;
    if (this.#running.get(task) !== run) return;
    run.disarm();
    this.#running.delete(task);
    const at = this.#clock.now();
    const runMs = at - (begunAt ?? at);
    if ("error" in end) this.#host?.failed(task, end.error, end.retryable, runMs);
    else this.#host?.succeeded(task, end.value, runMs);
    this.#queue.freed(task.definition);
    // In the next turn, because a row of tasks that end at once would block I/O.
    this.#startSoon(nextTurn);
  }
}
