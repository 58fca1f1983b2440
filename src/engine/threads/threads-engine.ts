// The engine that runs tasks on worker threads: sends batches to them, and reports what becomes of each task.
import type { OffloadError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
import { ticks } from "../../base/ticks.js";
import { timeoutError } from "../../core/early-end.js";
import type { Events } from "../../core/events.js";
import type { Progress } from "../../core/ledger.js";
import type { Task } from "../../core/task.js";
import type { Engine, EngineHost } from "../engine.js";
import { TaskQueue } from "../queue/task-queue.js";
import { expectedMs, takeBatch } from "./batching.js";
import { chooseThread } from "./choose-thread.js";
import { answerFollowUp } from "./follow-ups.js";
import type { TasksModule } from "./module/tasks-module.js";
import type { ResolvedPoolOptions } from "./options.js";
import type { Thread } from "./pool/thread.js";
import { ThreadPool } from "./pool/thread-pool.js";
import type { BatchReply, FromThread, PartialReply } from "./protocol.js";
import { Remarks } from "./remarks.js";
import { Serving } from "./serving.js";
import { movedAway, packBatch } from "./slots/batch-message.js";
import { BatchReport } from "./slots/batch-report.js";
import { deathOf } from "./slots/death.js";
import { isFromRunner, isReply } from "./slots/message-check.js";
import type { Slot } from "./slots/slot.js";
import { Stopping } from "./stopping.js";
import { type ThreadInfo, threadInfo } from "./thread-info.js";
import { Watchdog } from "./watchdog.js";

export interface ThreadsEngineParts {
  /** Of the offloader. */
  readonly name: string;
  readonly options: ResolvedPoolOptions;
  readonly module: TasksModule;
  readonly idPrefix: string;
  readonly events: Events;
  readonly logger: Logger;
}

const idleHost = {} as EngineHost;

export class ThreadsEngine implements Engine {
  readonly name = "threads";
  readonly pool: ThreadPool;
  readonly #options: ResolvedPoolOptions;
  readonly #logger: Logger;
  readonly #queue: TaskQueue;
  readonly #stopping: Stopping;
  readonly #watchdog: Watchdog;
  readonly #remarks: Remarks;
  readonly #serving = new Serving(() => this.#serve());
  #host: EngineHost = idleHost;
  #report: BatchReport;
  #halted = false;
  /** The thread for which tasks are being taken out of the queue, and when, in ticks. */
  #sendingTo = 0;
  #sendingAt = 0;

  constructor(parts: ThreadsEngineParts) {
    const { options, logger } = parts;
    this.#options = options;
    this.#logger = logger;
    this.#queue = new TaskQueue({
      started: (task) => this.#host.started(task, this.#sendingTo, this.#sendingAt),
      work: () => this.#wake(),
    });
    this.#report = new BatchReport(this.#host, this.#queue);
    this.#remarks = new Remarks((task, value) => this.#host.progress(task, value), logger);
    this.pool = new ThreadPool(parts, {
      onStarted: (names) => this.#host.loaded(names),
      onReady: () => this.#host.ready(),
      onChange: () => this.#wake(),
      onUnloadable: (error) => this.#host.unloadable(error),
      onMessage: (thread, message) => this.#receive(thread, message),
      onDied: (thread) => this.#died(thread),
    });
    this.#stopping = new Stopping({
      pool: this.pool,
      queue: this.#queue,
      abortGrace: options.abortGrace,
      again: (task) => this.#report.again(task, undefined),
      together: (report) => this.#host.together(report),
    });
    this.#watchdog = new Watchdog(options.startTimeout, {
      threads: () => this.pool.threads,
      timedOut: (task) => {
        if (this.stop(task, timeoutError(task)) === "unbegun") this.#report.again(task, undefined);
      },
      late: (thread, slot) => this.#host.together(() => this.#late(thread, slot)),
      read: (thread) => thread.readQueued(),
      terminate: (thread, reason) => this.#host.together(() => this.#stopping.terminate(thread, reason)),
    });
  }

  start(host: EngineHost): void {
    this.#host = host;
    this.#report = new BatchReport(host, this.#queue);
    this.pool.start();
  }

  prepare(): void {
    this.pool.start(1);
  }

  add(task: Task): void {
    this.#queue.add(task);
  }

  remove(task: Task): void {
    this.#queue.remove(task);
  }

  stop(task: Task, reason: OffloadError): "unbegun" | "stopping" | "ended" {
    return this.#stopping.stop(task, reason);
  }

  want(task: Task): void {
    this.#stopping.want(task);
  }

  /** What was sent ahead and has not begun comes back. */
  pause(task?: string): void {
    this.#queue.pause(task);
    // Without threads there may be no host either: an offloader that was made in one of its own threads never starts.
    if (this.pool.threads.size === 0) return;
    this.#host.together(() => {
      for (const thread of this.pool.threads) this.#stopping.takeBackAll(thread, task);
    });
  }

  resume(task?: string): void {
    this.#queue.resume(task);
  }

  halt(): void {
    this.#halted = true;
    this.#watchdog.stop();
    for (const thread of this.pool.threads) this.#stopping.takeBackAll(thread);
  }

  async close(timeout: number): Promise<void> {
    this.#halted = true;
    this.#watchdog.stop();
    await this.pool.end(timeout);
  }

  get unended(): number {
    return this.#halted ? this.pool.alive : this.pool.stuck.size;
  }

  /** How many log lines and progress values threads have dropped so far. */
  get remarksDropped(): number {
    return this.#remarks.dropped;
  }

  /** The threads at this moment, the stuck ones last. */
  threads(progressOf: ReadonlyMap<Task, Progress>): ThreadInfo[] {
    const { threads, stuck } = this.pool;
    return [
      ...[...threads].map((thread) => threadInfo(thread, false, progressOf)),
      ...[...stuck].map((thread) => threadInfo(thread, true, progressOf)),
    ];
  }

  #wake(): void {
    if (!this.#halted) this.#serving.soon();
  }

  #serve(): void {
    if (!this.#halted && this.#queue.length > 0) this.#host.together(() => this.#sendWaiting());
  }

  #sendWaiting(): void {
    const { pool } = this;
    while (this.#queue.length > 0) {
      const thread = chooseThread(pool, this.#options.concurrentTasksPerThread);
      const slot = thread?.freeSlot();
      if (thread === undefined || slot === undefined) break;
      this.#sendingTo = thread.id;
      // They travel in one message: the clock is read once for all.
      this.#sendingAt = ticks();
      const batch = takeBatch(this.#queue, pool.idleCount(), thread.busy === 0, pool.capacityOf(thread));
      if (batch.length === 0) break;
      this.#send(thread, slot, batch);
    }
    if (this.#queue.length === 0) return;
    pool.growFor(this.#queue.length);
    pool.stuck.holdProcess(() => this.#queue.length > 0);
  }

  #send(thread: Thread, slot: Slot, batch: readonly Task[]): void {
    // A task may kill the process the moment it arrives. By then it must be on record that the task was running.
    this.#host.beforeDeparture();
    // Each of these is alone in its batch.
    const [first] = batch;
    try {
      const { message, transfer } = packBatch(slot, batch);
      thread.post(message, transfer);
      if (transfer !== undefined && first !== undefined) first.payload = movedAway;
    } catch (error) {
      this.#report.unsendable(batch, error);
      return;
    }
    slot.hold(batch);
    thread.exclusive = first?.runsAlone === true;
    thread.occupy(expectedMs(batch));
    this.#watchdog.watch(thread, slot);
  }

  /** A task can post to the port too: it finds it among the open handles of its thread. Such a message must not reach further. */
  #receive(thread: Thread, message: unknown): void {
    try {
      if (isFromRunner(thread, message)) this.#take(thread, message);
      else this.#distrust(thread, "a message came from it that the library does not send");
    } catch (error) {
      this.#distrust(thread, "a message came from it that cannot be read", error);
    }
  }

  #take(thread: Thread, message: FromThread): void {
    if (isReply(message)) this.#host.together(() => this.#replied(thread, message));
    else if (message.kind === "partial") this.#host.together(() => this.#repliedPartly(thread, message));
    else if (message.kind === "offload") answerFollowUp(this.#host, thread, message);
    else this.#remarks.receive(thread, message);
  }

  #replied(thread: Thread, reply: BatchReply): void {
    const slot = thread.slotOf(reply);
    thread.tasksRun += slot.tasks.length - slot.withdrawn;
    const complete = this.#report.replied(slot, reply);
    if (slot.reported === slot.tasks.length) this.#release(thread, slot);
    if (complete) this.pool.afterWork(thread);
    else this.#distrust(thread, "it ended a batch without the outcome of a task");
    // What comes later wakes by itself.
    if (this.#queue.length > 0) this.#wake();
  }

  /** A task has tampered with its thread, whose word is worth nothing any more: another takes its place. */
  #distrust(thread: Thread, reason: string, err?: unknown): void {
    // Of a dead one, or one that is being ended already, all that remains is to be reported.
    if (thread.exitCode !== undefined || thread.killed) return;
    this.#logger.error({ thread: thread.id, ...(err !== undefined && { err }) }, `a thread is replaced: ${reason}`);
    this.#host.together(() => this.#stopping.terminate(thread, reason, "unreadable"));
  }

  #repliedPartly(thread: Thread, { ended, reply }: PartialReply): void {
    this.#report.partly(thread.slotOf(reply), ended, reply);
  }

  /** A thread is dead, and all its messages have been read. */
  #died(thread: Thread): void {
    this.#host.together(() => {
      // Which task is to blame depends on all that runs on the thread, so it is found before the first batch is reported.
      const death = deathOf(thread);
      for (const slot of thread.busySlots) {
        this.#report.died(slot, death);
        this.#release(thread, slot);
      }
    });
    this.#wake();
  }

  #release(thread: Thread, slot: Slot): void {
    slot.release();
    // Summed anew, because subtracting an unknown time, which is Infinity, would make NaN.
    thread.vacate(thread.busy === 1 ? 0 : thread.slots.reduce((sum, { tasks }) => sum + expectedMs(tasks), 0));
  }

  /** A batch is held up by a slow task: what has not begun goes to other threads, and what has ended is reported. */
  #late(thread: Thread, slot: Slot): void {
    const { concurrentTasksPerThread, maxThreads } = this.#options;
    // Where there is no other thread, nothing is gained by taking tasks back.
    if (maxThreads > 1) {
      // What was sent after it waits for the same slow task.
      if (concurrentTasksPerThread === 1) this.#stopping.takeBackAll(thread);
      else this.#stopping.takeBack(slot);
    }
    const batch = slot.tasks;
    const { done } = slot;
    // The remarks of a task come before its end.
    thread.readQueued();
    if (slot.tasks !== batch) return;
    this.#report.partly(slot, done, undefined);
    // What the others returned or threw is still in the thread, which answers as soon as the slow task lets it.
    if (slot.reported < slot.done) thread.post({ kind: "collect", slot: slot.index });
  }
}
