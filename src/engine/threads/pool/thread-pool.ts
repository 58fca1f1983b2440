// The pool of threads: starts as many as are needed, ends idle and worn-out ones, replaces dead ones.

import type { Logger } from "../../../base/logger.js";
import { inTime, now } from "../../../base/time.js";
import { type Events, type ThreadEndCause, threadEndCauses } from "../../../core/events.js";
import { lines, write } from "../../../core/log/lines.js";
import { reportToNodeWatch } from "../module/node-watch.js";
import type { TasksModule } from "../module/tasks-module.js";
import { watchModule } from "../module/watch-module.js";
import type { ResolvedPoolOptions } from "../options.js";
import type { FromThread } from "../protocol.js";
import { endOf } from "../slots/death.js";
import { Environment } from "./environment.js";
import { IdleReaper } from "./idle-reaper.js";
import { StartRetries } from "./start-retries.js";
import { StuckThreads } from "./stuck-threads.js";
import type { Thread, ThreadEnd } from "./thread.js";
import { ThreadEnder } from "./thread-ender.js";
import { LoadError, mostThreads, ThreadStarter } from "./thread-starter.js";

export interface PoolObserver {
  /** A thread has loaded the tasks module, which has tasks of these names. */
  onStarted(names: readonly string[]): void;
  /** As many threads as were asked for have loaded the tasks module. */
  onReady(): void;
  /** A thread has come or gone, so waiting tasks may be sent, or need another thread. */
  onChange(): void;
  /** The tasks module cannot be loaded: no task can ever run. */
  onUnloadable(error: Error): void;
  onMessage(thread: Thread, message: FromThread): void;
  /** A thread has died, and all its messages have been read. */
  onDied(thread: Thread): void;
}

export interface PoolParts {
  /** Of the offloader. */
  readonly name: string;
  readonly options: ResolvedPoolOptions;
  readonly module: TasksModule;
  readonly idPrefix: string;
  readonly events: Events;
  readonly logger: Logger;
}

export class ThreadPool {
  readonly threads: Set<Thread> = new Set();
  /** How many have ended so far, by cause. */
  readonly endedBy: Record<ThreadEndCause, number> = noneYet();
  readonly #parts: PoolParts;
  readonly #listener: PoolObserver;
  readonly #starter: ThreadStarter;
  readonly stuck: StuckThreads;
  readonly #ender: ThreadEnder;
  readonly #retries = new StartRetries();
  readonly #reaper: IdleReaper;
  /** Threads being started, those that wait for their next try included. */
  #starting = 0;
  #wanted = 0;
  #loadedOnce = false;
  /** Whether the next start may succeed where the last one failed: the module itself was not the reason. */
  #mayPass = false;
  #ending = false;
  readonly #unwatch: () => void;

  constructor(parts: PoolParts, listener: PoolObserver) {
    this.#parts = parts;
    this.#listener = listener;
    const { idleTimeout, teardownTimeout } = parts.options;
    this.#ender = new ThreadEnder({
      teardownTimeout,
      logger: parts.logger,
      onStuck: (thread) => this.#isStuck(thread),
    });
    this.#reaper = new IdleReaper(idleTimeout, (idleBefore) => this.#reap(idleBefore));
    this.stuck = new StuckThreads(parts.options.maxStuckThreads);
    this.#starter = new ThreadStarter(
      parts.options,
      parts.module,
      parts.name,
      parts.idPrefix,
      new Environment(parts.options.env, parts.logger),
      (thread) => this.#exited(thread),
    );
    reportToNodeWatch(parts.module.url);
    this.#unwatch = parts.options.watch ? watchModule(parts.module.url, () => void this.renew()) : () => {};
  }

  /** Starts threads up to `minThreads`, and up to `atLeast`. */
  start(atLeast = 0): void {
    this.#wanted = Math.max(this.#parts.options.minThreads, atLeast);
    this.#startUpTo(this.#wanted);
  }

  /** `waiting` tasks find no thread: starts more threads, up to `maxThreads`. */
  growFor(waiting: number): void {
    const idle = this.idleCount();
    this.#startUpTo(
      Math.min(this.#parts.options.maxThreads, this.#available() + Math.max(0, waiting - idle - this.#starting)),
    );
  }

  idleCount(): number {
    let count = 0;
    for (const thread of this.threads) if (thread.busy === 0 && !thread.retired) count++;
    return count;
  }

  /** How many more tasks may be sent to the thread. None to a worn-out one, which ends once its work is done. */
  capacityOf(thread: Thread): number {
    const { maxTasksPerThread, maxThreadMemory } = this.#parts.options;
    if (thread.outdated) return 0;
    if (maxThreadMemory !== Number.POSITIVE_INFINITY && thread.memoryBytes > maxThreadMemory) return 0;
    if (maxTasksPerThread === Number.POSITIVE_INFINITY) return maxTasksPerThread;
    return maxTasksPerThread - thread.slots.reduce((sum, { tasks }) => sum + tasks.length, thread.tasksRun);
  }

  /** A thread has ended a batch: it may be worn out, or idle from now on. */
  afterWork(thread: Thread): void {
    this.#retries.failures = 0;
    if (thread.busy > 0) return;
    thread.idleSince = now();
    if (thread.outdated) void this.#ender.end(thread, "renewed");
    else if (this.capacityOf(thread) <= 0) void this.#ender.end(thread, "recycled");
    else if (this.#isAboveMinimum()) this.#reaper.arm();
  }

  /** Replaces every thread, each after the work it has. Returns how many. */
  renew(): number {
    let count = 0;
    for (const thread of this.threads) {
      if (thread.outdated || thread.retired) continue;
      count++;
      thread.outdated = true;
      if (thread.busy === 0) void this.#ender.end(thread, "renewed");
    }
    return count;
  }

  /** Ends a thread at once, whatever it does. */
  terminate(thread: Thread, end: ThreadEnd): void {
    this.#ender.terminate(thread, end);
  }

  /**
   * Ends all threads, after their teardown hooks; terminates what is left after `timeout` ms. A thread in native code ends
   * when that is done, which may take minutes: it keeps the process alive no longer.
   */
  async end(timeout: number): Promise<void> {
    this.#ending = true;
    this.#retries.end();
    this.#unwatch();
    this.#reaper.stop();
    this.stuck.releaseProcess();
    const ended = Promise.all([...this.threads].map((thread) => this.#ender.end(thread, "shutdown")));
    await inTime(ended, timeout);
    this.#ender.disarm();
    await this.#starter.destroy();
  }

  /** Threads that exist: also those that are still being started, and those that are being terminated. */
  get alive(): number {
    return this.#starter.alive;
  }

  /** Threads that exist or are being started, and those of the stuck ones that no other may take the place of. */
  #available(): number {
    let count = this.#starting + this.stuck.beyondLimit;
    for (const thread of this.threads) if (!thread.retired) count++;
    return count;
  }

  #startUpTo(count: number): void {
    if (this.#ending) return;
    // Threads in a long teardown count too: their successors start as they exit.
    const room = mostThreads(this.#parts.options) - this.threads.size - this.#starting - this.stuck.beyondLimit;
    for (let missing = Math.min(room, count - this.#available()); missing > 0; missing--) void this.#start();
  }

  async #start(): Promise<void> {
    this.#starting++;
    try {
      // Before the module has been loaded once, no task waits for it, so the wait does not keep the process alive.
      if (this.#retries.failures > 0) await this.#retries.wait(this.#loadedOnce);
      if (this.#ending) return;
      const { thread, names, traced } = await this.#starter.start();
      this.#loadedOnce = true;
      this.threads.add(thread);
      thread.listen(
        (message) => this.#listener.onMessage(thread, message),
        // It may have been the reply of a batch, which would never end without it.
        (error) =>
          this.terminate(thread, { cause: "unreadable", reason: `sent a message that cannot be read: ${error}` }),
      );
      this.#parts.events.emit("threadStarted", { threadId: thread.id, traced });
      this.#listener.onStarted(names);
      if (this.threads.size >= this.#wanted) this.#listener.onReady();
      if (this.#isAboveMinimum()) this.#reaper.arm();
    } catch (error) {
      this.#failedToStart(error);
    } finally {
      this.#starting--;
      // Starts again what failed; #start waits before it tries. As long as the module has never been loaded, nothing is tried
      // again while another thread, which is still starting, may load it.
      if (this.#loadedOnce || (this.#mayPass && this.#starting === 0)) this.#startUpTo(this.#wanted);
      this.#listener.onChange();
    }
  }

  #failedToStart(error: unknown): void {
    if (this.#ending) return;
    this.#retries.failures++;
    const reason =
      error instanceof LoadError ? error.reason : error instanceof Error ? error : new Error(String(error));
    // A module that throws will throw again. A thread that was too slow, or could not be made, may succeed later.
    this.#mayPass = !(error instanceof LoadError);
    // No task can run, unless another thread, which is still starting, can load the module.
    if (!this.#loadedOnce && this.#starting - this.#retries.waiting === 1) this.#listener.onUnloadable(reason);
    if (!this.#loadedOnce && !this.#mayPass) return;
    this.#parts.logger.error(
      { err: reason, failures: this.#retries.failures },
      "a thread could not be started; trying again",
    );
  }

  /** Its tasks end as if it were dead, and another thread takes its place. */
  #isStuck(thread: Thread): void {
    const { logger } = this.#parts;
    const tasks = [...thread.running()].map(({ task }) => task);
    const names = tasks.map(({ definition }) => definition.name);
    const ids = tasks.map(({ id }) => id);
    write(logger, lines.inNativeCode, { thread: thread.id, names, ids, stuck: this.stuck.size + 1 });
    thread.readQueued();
    this.#listener.onDied(thread);
    this.threads.delete(thread);
    this.stuck.add(thread);
    thread.giveUp();
    if (this.#ending) return;
    this.start();
    this.#listener.onChange();
  }

  #exited(thread: Thread): void {
    if (this.stuck.delete(thread)) {
      this.#ended(thread);
      return;
    }
    thread.retired = true;
    // The exit event may come before the thread's last messages are read.
    thread.readQueued();
    const didNothing =
      thread.end === undefined && thread.tasksRun === 0 && thread.slots.every((slot) => slot.isUnbegun);
    this.#listener.onDied(thread);
    // Not before: tasks are looked for among the threads of the pool.
    this.threads.delete(thread);
    if (didNothing && !this.#ending) {
      this.#retries.failures++;
      const fields = { thread: thread.id, exitCode: thread.exitCode, failures: this.#retries.failures };
      this.#parts.logger.error(fields, "a thread ended before it had done any work; starting another");
    }
    this.#ended(thread);
  }

  /** A thread is gone, so there is room for another. */
  #ended(thread: Thread): void {
    const { cause, reason } = endOf(thread);
    this.endedBy[cause]++;
    this.#parts.events.emit("threadEnded", { threadId: thread.id, cause, reason });
    if (this.#ending) return;
    this.start();
    this.#listener.onChange();
  }

  /** Ends threads above `minThreads` that have been idle since then. */
  #reap(idleBefore: number): boolean {
    for (const thread of this.threads) {
      if (!this.#isAboveMinimum()) return false;
      if (thread.busy === 0 && !thread.retired && thread.idleSince <= idleBefore) void this.#ender.end(thread, "idle");
    }
    return this.#isAboveMinimum() && this.idleCount() > 0;
  }

  #isAboveMinimum(): boolean {
    return this.#available() > this.#parts.options.minThreads;
  }
}

function noneYet(): Record<ThreadEndCause, number> {
  return Object.fromEntries(threadEndCauses.map((cause) => [cause, 0])) as Record<ThreadEndCause, number>;
}
