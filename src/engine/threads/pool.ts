// Brings queued tasks onto threads, and hears of them again: which thread, how many at once, when another thread is worth its start.

import type { OffloadError } from "../../base/errors.js";
import { Attempts, endsToBeRetried, hasAttemptsLeft } from "../../core/attempts.js";
import type { Ledger } from "../../core/ledger.js";
import type { Task } from "../../core/task.js";
import type { ResolvedPoolOptions } from "../../options.js";
import { batchMs, expectedMs, takeBatch } from "./batching.js";
import type { Inbox } from "./inbox.js";
import type { Death, Slot, Thread } from "./pool/thread.js";
import type { Crew } from "./pool/thread-pool.js";
import { type BatchReply, type FromThread, failed, type ReplySoFar } from "./protocol.js";
import type { TaskQueue } from "./queue/task-queue.js";
import { leavesForGood, packBatch } from "./slots/batch-message.js";
import { cellOf, countEnded, findPlace, isUnbegun, markAborted, runningOn, takeBack } from "./slots/cells.js";
import { Settler } from "./slots/settle.js";
import { Watchdog } from "./watchdog.js";

/** What the pool works with. */
export interface PoolParts {
  readonly options: ResolvedPoolOptions;
  readonly queue: TaskQueue;
  readonly ledger: Ledger;
  readonly crew: Crew;
  readonly inbox: Inbox;
  /** Called before tasks that have been started leave for a thread. */
  readonly beforeSend?: (() => void) | undefined;
}

/** ms after which it is looked whether the event loop has gone on meanwhile. */
const turnMs = 3;

export class Pool {
  readonly #parts: PoolParts;
  readonly #settler: Settler;
  readonly #watchdog: Watchdog;
  #flushing = false;
  /** When it was last begun to wait for the event loop's next turn. */
  #turnAskedAt = Number.NEGATIVE_INFINITY;
  #turnIsDue = false;
  #stopped = false;
  /** Tasks are being taken out of the queue: they count as running and are nowhere yet. */
  #taking = false;

  constructor(parts: PoolParts) {
    this.#parts = parts;
    const { ledger, queue } = parts;
    this.#settler = new Settler(new Attempts(ledger, (...retry) => queue.retry(...retry)), queue);
    this.#watchdog = new Watchdog(parts.options.startTimeout, {
      threads: () => parts.crew.threads,
      abort: (task, reason) => void this.abort(task, reason),
      late: (thread, slot) => this.#late(thread, slot),
      terminate: (thread, reason) => this.#terminate(thread, reason),
    });
  }

  /** There may be work: threads are served before the current turn of the event loop ends, unless that turn takes too long. */
  wake(): void {
    if (this.#flushing || this.#stopped) return;
    this.#flushing = true;
    // A microtask, so that what is dispatched together travels together. But Node hears as many as 1,000 replies in one turn
    // of the loop, of 256 tasks each: served at once, busy threads would keep timers and sockets waiting for 100 ms.
    const now = performance.now();
    const looks = now - this.#turnAskedAt >= turnMs;
    if (looks && this.#turnIsDue) return;
    if (looks) {
      this.#turnAskedAt = now;
      this.#turnIsDue = true;
      setImmediate(this.#turned);
    }
    queueMicrotask(this.#serve);
  }

  readonly #turned = (): void => {
    this.#turnIsDue = false;
    if (this.#flushing) this.#serve();
  };

  readonly #serve = (): void => {
    this.#flushing = false;
    if (!this.#stopped) this.#flush();
  };

  /** A thread has said something. */
  receive(thread: Thread, message: FromThread): void {
    if (isReply(message)) this.#replied(thread, message);
    else if (message.kind === "soFar") this.#soFar(thread, message);
    else this.#parts.inbox.receive(thread, message);
  }

  /** A thread is dead, and all that it said has been received. */
  died(thread: Thread): void {
    // The verdict is on all that runs on the thread, so it is found before the first batch is settled.
    const death = deathOf(thread);
    for (const each of lastSentFirst(thread)) {
      this.#settler.died(each, each.tasks, death);
      this.#release(thread, each);
    }
    this.wake();
  }

  /**
   * Has a running task end, for `reason`.
   *
   * @returns `never begun`: it was taken back, and the caller ends it; `asked`: its signal is aborted, and its thread is
   *   terminated if it goes on past the grace; `too late`: it has ended
   */
  abort(task: Task, reason: OffloadError): "never begun" | "asked" | "too late" {
    const place = findPlace(this.#parts.crew.threads, task);
    // A listener of `started` is called before the task is sent.
    if (place === undefined) return this.#taking ? "never begun" : "too late";
    if (takeBack(place)) return "never begun";
    if (!markAborted(place)) {
      // It is ending, or has ended and we have not heard of it: only another attempt can be prevented.
      const failedUnheard = task.abortedBy === undefined && cellOf(place.slot, place.index) === failed;
      if (!endsToBeRetried(task) && !(failedUnheard && hasAttemptsLeft(task))) return "too late";
      task.abortedBy = reason;
      return "asked";
    }
    task.abortedBy = reason;
    const { thread, slot, index } = place;
    thread.post({
      kind: "abort",
      slot: slot.index,
      index,
      reason: { isError: true, name: reason.name, message: reason.message, fields: { code: reason.code } },
    });
    const batch = slot.tasks;
    setTimeout(() => {
      if (slot.tasks === batch && !thread.retired && isRunning(thread, task))
        this.#terminate(thread, "a task did not stop within pool.abortGrace");
    }, this.#parts.options.abortGrace).unref();
    return "asked";
  }

  /** Aborts all that runs. What its threads have not begun is taken back. */
  abortAll(reason: OffloadError): void {
    for (const thread of this.#parts.crew.threads) {
      this.#relieveAll(thread);
      for (const { task } of [...runningOn(thread)]) this.abort(task, reason);
    }
  }

  /** Somebody asks for the result of a task that may be on a thread already. */
  want(task: Task): void {
    const place = findPlace(this.#parts.crew.threads, task);
    if (place) place.slot.memory.wanted[place.index] = 1;
  }

  /** No batch is sent from now on. */
  stop(): void {
    this.#stopped = true;
    this.#watchdog.stop();
  }

  #flush(): void {
    const { queue, crew } = this.#parts;
    while (queue.length > 0) {
      const thread = this.#nextThread();
      const slot = thread?.freeSlot();
      if (thread === undefined || slot === undefined) break;
      this.#taking = true;
      const taken = takeBatch(queue, crew.idleCount(), thread.busy === 0, crew.roomOf(thread));
      this.#taking = false;
      if (taken.length === 0) break;
      const batch = taken.every(isTaken) ? taken : taken.filter(isTaken);
      if (batch.length > 0) this.#send(thread, slot, batch);
    }
    if (queue.length > 0) crew.reinforce(queue.length);
  }

  /** An idle thread, or one that runs fewer tasks than it may, or one that will soon be idle. */
  #nextThread(): Thread | undefined {
    const { crew, options } = this.#parts;
    const { concurrentTasksPerThread } = options;
    let best: Thread | undefined;
    for (const thread of crew.threads) {
      if (thread.retired || thread.exclusive || crew.roomOf(thread) <= 0) continue;
      if (thread.busy === 0) return thread;
      // Ahead of time only what will not wait long: the messages under way are hidden by work of a millisecond.
      const mayTake = thread.busy < concurrentTasksPerThread || thread.expectedMs <= batchMs;
      if (mayTake && thread.busy <= concurrentTasksPerThread && (best === undefined || thread.busy < best.busy))
        best = thread;
    }
    return best;
  }

  #send(thread: Thread, slot: Slot, batch: readonly Task[]): void {
    this.#parts.beforeSend?.();
    const { message, transfer } = packBatch(slot, batch);
    slot.hold(batch);
    try {
      thread.post(message, transfer);
    } catch (error) {
      // Nothing was posted: the payload holds what cannot be moved.
      this.#settler.unsendable(slot.release(), error);
      return;
    }
    for (const task of batch) if (leavesForGood(task)) task.payload = undefined;
    thread.exclusive = batch.some((task) => task.solo);
    this.#watchdog.watch(slot, thread.busy > 0);
    thread.occupy(expectedMs(batch));
  }

  #replied(thread: Thread, reply: BatchReply): void {
    const slot = thread.slotOf(reply);
    thread.tasksRun += slot.tasks.length - slot.takenBack;
    this.#settler.replied(slot, slot.tasks, reply);
    this.#release(thread, slot);
    this.#parts.crew.afterWork(thread);
    this.wake();
  }

  #soFar(thread: Thread, { ended, reply }: ReplySoFar): void {
    this.#settler.soFar(thread.slotOf(reply), ended, reply);
  }

  /** Not before its tasks are settled: a listener of one's end may cancel another, which is found in its slot. */
  #release(thread: Thread, slot: Slot): void {
    slot.release();
    // Summed anew: a difference would be NaN with an unknown time.
    thread.vacate(thread.busy === 1 ? 0 : thread.slots.reduce((sum, { tasks }) => sum + expectedMs(tasks), 0));
  }

  /** A batch with a slow task: what it has not begun goes to other threads, what has ended is told. */
  #late(thread: Thread, slot: Slot): void {
    const { concurrentTasksPerThread, maxThreads } = this.#parts.options;
    // Where there is no other thread, what waits is as well off where it is.
    if (maxThreads > 1) {
      // What was sent after it waits for the same slow task.
      if (concurrentTasksPerThread === 1) this.#relieveAll(thread);
      else this.#relieve(slot);
    }
    const batch = slot.tasks;
    const ended = countEnded(slot);
    // What a task says comes before its end is told.
    thread.hearOut();
    if (slot.tasks !== batch) return;
    this.#settler.soFar(slot, ended, undefined);
    // What the others have returned or thrown is still in the thread. It answers when the slow task lets it.
    if (slot.told < countEnded(slot)) thread.post({ kind: "collect", slot: slot.index });
  }

  #relieveAll(thread: Thread): void {
    for (const slot of lastSentFirst(thread)) this.#relieve(slot);
  }

  /** What a thread has not begun is taken back. */
  #relieve(slot: Slot): void {
    // From the last to the first, for each goes to the head of its lane.
    for (let index = slot.tasks.length - 1; index >= 0; index--) {
      const task = slot.tasks[index];
      // A buffer that has moved is where its thread is: its task can only wait there.
      if (task === undefined || leavesForGood(task)) continue;
      if (takeBack({ slot, index })) this.#settler.again(task, undefined);
    }
  }

  /** The last resort, for a task that does not stop. Its siblings are taken out of the way first. */
  #terminate(thread: Thread, reason: string): void {
    this.#relieveAll(thread);
    this.#parts.crew.terminate(thread, reason);
  }
}

/** Whether it still is to be sent: a listener of `started` may have cancelled it. */
function isTaken({ state }: Task): boolean {
  return state === "running";
}

/** The slots with a batch in the order in which it is taken back, for each task goes to the head of its lane. */
function lastSentFirst({ slots }: Thread): Slot[] {
  return slots.filter(({ tasks }) => tasks.length > 0).sort((one, other) => other.sentAt - one.sentAt);
}

function isRunning(thread: Thread, task: Task): boolean {
  for (const running of runningOn(thread)) if (running.task === task) return true;
  return false;
}

function deathOf(thread: Thread): Death {
  const running = [...runningOn(thread)].length;
  const verdict = thread.endReason !== undefined ? "innocent" : running === 1 ? "guilty" : "suspect";
  return { error: thread.error, exitCode: thread.exitCode, verdict, unread: unreadBy(thread) };
}

/** Of a thread that has done nothing yet: whom one that has may have died of, its work has left behind. */
function unreadBy(thread: Thread): Slot | undefined {
  const first = lastSentFirst(thread).at(-1);
  return thread.tasksRun === 0 && first !== undefined && isUnbegun(first) ? first : undefined;
}

function isReply(message: FromThread): message is BatchReply {
  return typeof message === "number" || Array.isArray(message);
}
