// The pool of threads: starts as many as are needed, ends idle and worn-out ones, replaces dead ones.
import type { Logger } from "../../../base/logger.js";
import { afterFairTime, clearTimer, inTime, now, setTimer, sleep, type Timer } from "../../../base/time.js";
import type { Events } from "../../../core/events.js";
import type { ResolvedPoolOptions } from "../options.js";
import type { FromThread } from "../protocol.js";
import { Environment } from "./environment.js";
import { StuckThreads } from "./stuck-threads.js";
import type { TasksModule } from "./tasks-module.js";
import type { Thread } from "./thread.js";
import { endsWithinMs, LoadError, mostThreads, ThreadStarter } from "./thread-starter.js";
import { watchModule } from "./watch-module.js";

// Delays between starts that fail, in ms: a thread that dies at its start must not be started in a tight loop.
const firstRetryMs = 100;
const longestRetryMs = 30_000;

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
  readonly options: ResolvedPoolOptions;
  readonly module: TasksModule;
  readonly idPrefix: string;
  readonly events: Events;
  readonly logger: Logger;
}

export class ThreadPool {
  readonly threads: Set<Thread> = new Set();
  readonly #parts: PoolParts;
  readonly #listener: PoolObserver;
  readonly #starter: ThreadStarter;
  readonly stuck: StuckThreads;
  /** Threads being started. `#pausing` of them wait for their next try. */
  #starting = 0;
  #pausing = 0;
  #wanted = 0;
  #failures = 0;
  #loadedOnce = false;
  /** Whether the next start may succeed where the last one failed: the module itself was not the reason. */
  #mayPass = false;
  #ending = false;
  #reaper: Timer | undefined;
  /** They terminate threads whose teardown takes too long. */
  readonly #teardowns = new Set<() => void>();
  readonly #unwatch: () => void;
  /** Ends the waits between starts that fail. */
  readonly #over = new AbortController();

  constructor(parts: PoolParts, listener: PoolObserver) {
    this.#parts = parts;
    this.#listener = listener;
    this.stuck = new StuckThreads(parts.options.maxStuckThreads);
    this.#starter = new ThreadStarter(
      parts.options,
      parts.module,
      parts.idPrefix,
      new Environment(parts.options.env, parts.logger),
      (thread) => this.#exited(thread),
    );
    this.#unwatch = parts.options.watch ? watchModule(parts.module.url, () => this.renew()) : () => {};
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
    if (thread.outdated || thread.memoryBytes > maxThreadMemory) return 0;
    if (maxTasksPerThread === Number.POSITIVE_INFINITY) return maxTasksPerThread;
    return maxTasksPerThread - thread.slots.reduce((sum, { tasks }) => sum + tasks.length, thread.tasksRun);
  }

  /** A thread has ended a batch: it may be worn out, or idle from now on. */
  afterWork(thread: Thread): void {
    this.#failures = 0;
    if (thread.busy > 0) return;
    thread.idleSince = now();
    if (thread.outdated) void this.#end(thread, "renewed");
    else if (this.capacityOf(thread) <= 0) void this.#end(thread, "recycled");
    else this.#armReaper();
  }

  /** Replaces every thread, each after the work it has. */
  renew(): void {
    for (const thread of this.threads) {
      thread.outdated = true;
      if (thread.busy === 0) void this.#end(thread, "renewed");
    }
  }

  /** Ends a thread at once, whatever it does. */
  terminate(thread: Thread, reason: string): void {
    thread.retired = true;
    thread.endReason = reason;
    this.#kill(thread);
  }

  /**
   * Ends all threads, after their teardown hooks; terminates what is left after `timeout` ms. A thread in native code ends
   * when that is done, which may take minutes: it keeps the process alive no longer.
   */
  async end(timeout: number): Promise<void> {
    this.#ending = true;
    this.#over.abort();
    this.#unwatch();
    clearTimer(this.#reaper);
    const ended = Promise.all([...this.threads].map((thread) => this.#end(thread, "shutdown")));
    await inTime(ended, timeout);
    for (const disarm of this.#teardowns) disarm();
    await this.#starter.destroy();
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
      if (this.#failures > 0) await this.#pause();
      if (this.#ending) return;
      const { thread, names } = await this.#starter.start();
      this.#loadedOnce = true;
      this.threads.add(thread);
      thread.listen(
        (message) => this.#listener.onMessage(thread, message),
        // It may have been the reply of a batch, which would never end without it.
        (error) => this.terminate(thread, `sent a message that cannot be read: ${error}`),
      );
      this.#parts.events.emit("threadStarted", { threadId: thread.id });
      this.#listener.onStarted(names);
      if (this.threads.size >= this.#wanted) this.#listener.onReady();
      this.#armReaper();
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

  async #pause(): Promise<void> {
    const ms = Math.min(longestRetryMs, firstRetryMs * 2 ** (this.#failures - 1));
    // Before the module has been loaded once, no task waits for it, so the wait does not keep the process alive.
    this.#pausing++;
    await sleep(ms, { signal: this.#over.signal, ref: this.#loadedOnce });
    this.#pausing--;
  }

  #failedToStart(error: unknown): void {
    if (this.#ending) return;
    this.#failures++;
    const reason =
      error instanceof LoadError ? error.reason : error instanceof Error ? error : new Error(String(error));
    // A module that throws will throw again. A thread that was too slow, or could not be made, may succeed later.
    this.#mayPass = !(error instanceof LoadError);
    // No task can run, unless another thread, which is still starting, can load the module.
    if (!this.#loadedOnce && this.#starting - this.#pausing === 1) this.#listener.onUnloadable(reason);
    if (!this.#loadedOnce && !this.#mayPass) return;
    this.#parts.logger.error({ err: reason, failures: this.#failures }, "a thread could not be started; trying again");
  }

  /** Lets a thread run its teardown hooks and exit; terminates it when that takes too long. */
  async #end(thread: Thread, reason: string): Promise<void> {
    if (thread.retired) {
      await thread.gone;
      return;
    }
    thread.retired = true;
    thread.endReason = reason;
    thread.post({ kind: "end" });
    const { teardownTimeout } = this.#parts.options;
    const disarm = afterFairTime(teardownTimeout, () => {
      this.#parts.logger.warn(
        { thread: thread.id },
        `the teardown hooks of a thread took longer than pool.teardownTimeout (${teardownTimeout} ms); it is terminated`,
      );
      this.#kill(thread);
    });
    this.#teardowns.add(disarm);
    await thread.gone;
    this.#teardowns.delete(disarm);
    disarm();
  }

  /** Terminates a thread; one that does not end by that is stuck. */
  #kill(thread: Thread): void {
    if (thread.killed) return;
    thread.killed = true;
    void thread.worker.terminate();
    const disarm = afterFairTime(endsWithinMs, () => this.#isStuck(thread));
    void thread.gone.then(disarm);
  }

  /** Its tasks end as if it were dead, and another thread takes its place. */
  #isStuck(thread: Thread): void {
    const { logger } = this.#parts;
    const tasks = [...thread.running()].map(({ task }) => ({ task: task.definition.name, id: task.id }));
    logger.warn(
      { thread: thread.id, tasks, stuck: this.stuck.size + 1 },
      "a thread is in native code and ends only when that returns; its task has ended for everybody else",
    );
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
      thread.endReason === undefined && thread.tasksRun === 0 && thread.slots.every((slot) => slot.isUnbegun);
    this.#listener.onDied(thread);
    // Not before: tasks are looked for among the threads of the pool.
    this.threads.delete(thread);
    if (didNothing && !this.#ending) {
      this.#failures++;
      const fields = { thread: thread.id, exitCode: thread.exitCode, failures: this.#failures };
      this.#parts.logger.error(fields, "a thread ended before it had done any work; starting another");
    }
    this.#ended(thread);
  }

  /** A thread is gone, so there is room for another. */
  #ended(thread: Thread): void {
    const reason = thread.endReason ?? `exited with code ${thread.exitCode}`;
    this.#parts.events.emit("threadEnded", { threadId: thread.id, reason });
    if (this.#ending) return;
    this.start();
    this.#listener.onChange();
  }

  /** One timer ends the threads above `minThreads` that have been idle for `idleTimeout`. */
  #armReaper(): void {
    const { idleTimeout, minThreads } = this.#parts.options;
    if (this.#reaper !== undefined || idleTimeout === Number.POSITIVE_INFINITY || this.#available() <= minThreads)
      return;
    this.#reaper = setTimer(() => {
      this.#reaper = undefined;
      this.#reap(now() - idleTimeout);
    }, idleTimeout);
    this.#reaper.unref();
  }

  #reap(idleBefore: number): void {
    for (const thread of this.threads) {
      if (this.#available() <= this.#parts.options.minThreads) return;
      if (thread.busy === 0 && !thread.retired && thread.idleSince <= idleBefore) void this.#end(thread, "idle");
    }
    if (this.idleCount() > 0) this.#armReaper();
  }
}
