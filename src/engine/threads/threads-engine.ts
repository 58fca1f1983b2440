// The engine that runs tasks on worker threads: which thread, how many at once, when another thread is worth its start.
import type { OffloadError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
import { microtask, nextTurn, now, setTimer } from "../../base/time.js";
import { hasAttemptsLeft, stopsToBeRetried, timeoutError } from "../../core/early-end.js";
import type { Events } from "../../core/events.js";
import type { Task } from "../../core/task.js";
import type { Engine, EngineHost } from "../engine.js";
import { TaskQueue } from "../queue/task-queue.js";
import { batchMs, expectedMs, takeBatch } from "./batching.js";
import type { ResolvedPoolOptions } from "./options.js";
import type { TasksModule } from "./pool/tasks-module.js";
import type { Place, Thread } from "./pool/thread.js";
import { ThreadPool } from "./pool/thread-pool.js";
import type { BatchReply, FromThread, PartialReply } from "./protocol.js";
import { Remarks } from "./remarks.js";
import { leavesForGood, movedAway, packBatch } from "./slots/batch-message.js";
import { BatchReport } from "./slots/batch-report.js";
import type { Death } from "./slots/death.js";
import type { Slot } from "./slots/slot.js";
import { cell, want } from "./slots/slot-memory.js";
import { Watchdog } from "./watchdog.js";

export interface ThreadsEngineParts {
  readonly options: ResolvedPoolOptions;
  readonly module: TasksModule;
  readonly idPrefix: string;
  readonly events: Events;
  readonly logger: Logger;
}

/** ms after which it is looked whether the event loop has gone on meanwhile. */
const turnMs = 3;

const idleHost = {} as EngineHost;

export class ThreadsEngine implements Engine {
  readonly name = "threads";
  readonly pool: ThreadPool;
  readonly #options: ResolvedPoolOptions;
  readonly #queue: TaskQueue;
  readonly #watchdog: Watchdog;
  readonly #remarks: Remarks;
  #host: EngineHost = idleHost;
  #report: BatchReport;
  #waking = false;
  /** When the next turn of the event loop was last asked for. */
  #turnAskedAt = Number.NEGATIVE_INFINITY;
  #turnIsDue = false;
  #halted = false;

  constructor(parts: ThreadsEngineParts) {
    const { options, logger } = parts;
    this.#options = options;
    this.#queue = new TaskQueue({
      started: (task) => this.#host.started(task),
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
    this.#watchdog = new Watchdog(options.startTimeout, {
      threads: () => this.pool.threads,
      timedOut: (task) => {
        if (this.stop(task, timeoutError(task)) === "unbegun") this.#report.again(task, undefined);
      },
      late: (thread, slot) => this.#host.together(() => this.#late(thread, slot)),
      terminate: (thread, reason) => this.#host.together(() => this.#terminate(thread, reason)),
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

  /**
   * The rule for stopping a task that was started: one that no code has begun is taken back; one whose code runs has its
   * signal aborted, and its thread is terminated if it goes on past the grace; of one that has ended, only another attempt
   * can be prevented.
   */
  stop(task: Task, reason: OffloadError): "unbegun" | "stopping" | "ended" {
    const place = this.#find(task);
    if (place === undefined) return "ended";
    const { slot, index } = place;
    if (slot.withdraw(index)) return "unbegun";
    if (slot.requestStop(index)) {
      task.abortedBy = reason;
      this.#postStop(place, reason);
      return "stopping";
    }
    const failedUnreported = task.abortedBy === undefined && slot.cellOf(index) === cell.failed;
    if (!stopsToBeRetried(task) && !(failedUnreported && hasAttemptsLeft(task))) return "ended";
    task.abortedBy = reason;
    return "stopping";
  }

  want(task: Task): void {
    const place = this.#find(task);
    if (place !== undefined) want(place.slot.memory, place.index);
  }

  pause(task?: string): void {
    this.#queue.pause(task);
  }

  resume(task?: string): void {
    this.#queue.resume(task);
  }

  halt(): void {
    this.#halted = true;
    this.#watchdog.stop();
    for (const thread of this.pool.threads) this.#takeBackAll(thread);
  }

  async close(timeout: number): Promise<void> {
    this.#halted = true;
    this.#watchdog.stop();
    await this.pool.end(timeout);
  }

  get unended(): number {
    return this.#halted ? this.pool.threads.size : 0;
  }

  /** There may be work: threads are served before the current turn of the event loop ends, unless that turn takes too long. */
  #wake(): void {
    if (this.#waking || this.#halted) return;
    this.#waking = true;
    // A microtask, so that what is dispatched together travels together. But Node reads as many as 1,000 messages of a port
    // in one turn of the loop, of 256 tasks each: served at once, busy threads would keep timers and sockets waiting for
    // 100 ms.
    const at = now();
    const looks = at - this.#turnAskedAt >= turnMs;
    if (looks && this.#turnIsDue) return;
    if (looks) {
      this.#turnAskedAt = at;
      this.#turnIsDue = true;
      nextTurn(this.#turned);
    }
    microtask(this.#serve);
  }

  readonly #turned = (): void => {
    this.#turnIsDue = false;
    if (this.#waking) this.#serve();
  };

  readonly #serve = (): void => {
    this.#waking = false;
    if (!this.#halted && this.#queue.length > 0) this.#host.together(() => this.#sendWaiting());
  };

  #sendWaiting(): void {
    const { pool } = this;
    while (this.#queue.length > 0) {
      const thread = this.#nextThread();
      const slot = thread?.freeSlot();
      if (thread === undefined || slot === undefined) break;
      const batch = takeBatch(this.#queue, pool.idleCount(), thread.busy === 0, pool.capacityOf(thread));
      if (batch.length === 0) break;
      this.#send(thread, slot, batch);
    }
    if (this.#queue.length > 0) pool.growFor(this.#queue.length);
  }

  /** An idle thread, or one that runs fewer tasks than it may, or one that will soon be idle. */
  #nextThread(): Thread | undefined {
    const { concurrentTasksPerThread } = this.#options;
    let best: Thread | undefined;
    for (const thread of this.pool.threads) {
      if (thread.retired || thread.exclusive || this.pool.capacityOf(thread) <= 0) continue;
      if (thread.busy === 0) return thread;
      // Ahead of time only what will not wait long: the messages under way are hidden by work of a millisecond.
      const mayTake = thread.busy < concurrentTasksPerThread || thread.expectedMs <= batchMs;
      if (mayTake && thread.busy <= concurrentTasksPerThread && (best === undefined || thread.busy < best.busy))
        best = thread;
    }
    return best;
  }

  #send(thread: Thread, slot: Slot, batch: readonly Task[]): void {
    // A task may kill the process the moment it arrives: by then it is on record that it was running.
    this.#host.beforeDeparture();
    const { message, transfer } = packBatch(slot, batch);
    slot.hold(batch);
    try {
      thread.post(message, transfer);
    } catch (error) {
      // Nothing was posted: the payload holds what cannot be moved.
      this.#report.unsendable(slot.release(), error);
      return;
    }
    for (const task of batch) if (leavesForGood(task)) task.payload = movedAway;
    thread.exclusive = batch.some((task) => task.runsAlone);
    this.#watchdog.watch(slot, thread.busy > 0);
    thread.occupy(expectedMs(batch));
  }

  #receive(thread: Thread, message: FromThread): void {
    if (isReply(message)) this.#host.together(() => this.#replied(thread, message));
    else if (message.kind === "partial") this.#host.together(() => this.#repliedPartly(thread, message));
    else this.#remarks.receive(thread, message);
  }

  #replied(thread: Thread, reply: BatchReply): void {
    const slot = thread.slotOf(reply);
    thread.tasksRun += slot.tasks.length - slot.withdrawn;
    this.#report.replied(slot, reply);
    this.#release(thread, slot);
    this.pool.afterWork(thread);
    this.#wake();
  }

  #repliedPartly(thread: Thread, { ended, reply }: PartialReply): void {
    this.#report.partly(thread.slotOf(reply), ended, reply);
  }

  /** A thread is dead, and all its messages have been read. */
  #died(thread: Thread): void {
    this.#host.together(() => {
      // Who is to blame depends on all that runs on the thread, so it is found before the first batch is reported.
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
    // Summed anew: a difference would be NaN with an unknown time.
    thread.vacate(thread.busy === 1 ? 0 : thread.slots.reduce((sum, { tasks }) => sum + expectedMs(tasks), 0));
  }

  /** A batch with a slow task: what it has not begun goes to other threads, and what has ended is reported. */
  #late(thread: Thread, slot: Slot): void {
    const { concurrentTasksPerThread, maxThreads } = this.#options;
    // Where there is no other thread, what waits is as well off where it is.
    if (maxThreads > 1) {
      // What was sent after it waits for the same slow task.
      if (concurrentTasksPerThread === 1) this.#takeBackAll(thread);
      else this.#takeBack(slot);
    }
    const batch = slot.tasks;
    const { done } = slot;
    // The remarks of a task come before its end.
    thread.readQueued();
    if (slot.tasks !== batch) return;
    this.#report.partly(slot, done, undefined);
    // What the others have returned or thrown is still in the thread. It answers when the slow task lets it.
    if (slot.reported < slot.done) thread.post({ kind: "collect", slot: slot.index });
  }

  #takeBackAll(thread: Thread): void {
    for (const slot of thread.busySlots) this.#takeBack(slot);
  }

  /** What a thread has not begun is queued again. */
  #takeBack(slot: Slot): void {
    // From the last to the first, because each goes to the head of its lane.
    for (let index = slot.tasks.length - 1; index >= 0; index--) {
      const task = slot.tasks[index];
      // A buffer that has moved is where its thread is: its task can only wait there.
      if (task === undefined || task.payload === movedAway) continue;
      if (slot.withdraw(index)) this.#report.again(task, undefined);
    }
  }

  #postStop({ thread, slot, index, task }: Place, reason: OffloadError): void {
    const { name, message, code } = reason;
    thread.post({ kind: "stop", slot: slot.index, index, reason: { isError: true, name, message, fields: { code } } });
    const batch = slot.tasks;
    setTimer(() => {
      if (slot.tasks !== batch || thread.retired || slot.tasks[slot.running] !== task) return;
      this.#host.together(() => this.#terminate(thread, "a task did not stop within pool.abortGrace"));
    }, this.#options.abortGrace).unref();
  }

  /** The last resort, for a task that does not stop. Its siblings are taken out of the way first. */
  #terminate(thread: Thread, reason: string): void {
    this.#takeBackAll(thread);
    this.pool.terminate(thread, reason);
  }

  #find(task: Task): Place | undefined {
    for (const thread of this.pool.threads) {
      const place = thread.find(task);
      if (place !== undefined) return place;
    }
    return undefined;
  }
}

function deathOf(thread: Thread): Death {
  const running = [...thread.running()].length;
  const blame = thread.endReason !== undefined ? "innocent" : running === 1 ? "guilty" : "suspect";
  const first = thread.busySlots.at(-1);
  const unreadSlot = thread.tasksRun === 0 && first?.isUnbegun ? first : undefined;
  return { error: thread.error, exitCode: thread.exitCode, blame, unreadSlot };
}

function isReply(message: FromThread): message is BatchReply {
  return typeof message === "number" || Array.isArray(message);
}
