// The threads as somebody sees them who asks: what runs on each since when, and how busy and how large it is.
import { since, ticks } from "../../base/ticks.js";
import { sharedNow } from "../../base/time.js";
import type { Progress } from "../../core/ledger.js";
import type { Task } from "../../core/task.js";
import type { Thread } from "./pool/thread.js";
import { slotState } from "./slots/slot-memory.js";

/** A task whose code runs on a thread at this moment. */
export interface RunningTask {
  /** The id that the dispatch returned. */
  readonly id: string;
  /** The task's name. */
  readonly task: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** How long its code has been running, in ms. */
  readonly runMs: number;
  /** It was asked to stop: by a cancel, its timeout or the shutdown deadline. */
  readonly stopping: boolean;
  /** What it gave `task.progress()` last, and how long ago, in ms; undefined where it gave nothing in this attempt. */
  readonly progress?: { readonly value: unknown; readonly ageMs: number } | undefined;
}

/** A worker thread at this moment. */
export interface ThreadInfo {
  /** `threadId` of `node:worker_threads`. */
  readonly threadId: number;
  /**
   * `ending`: it gets no more tasks and ends after its teardown. `stuck`: it was terminated and has not ended, because it is in
   * native code.
   */
  readonly state: "idle" | "busy" | "ending" | "stuck";
  /** One a batch that it works on; more than one only with `pool.concurrentTasksPerThread`. */
  readonly running: readonly RunningTask[];
  /** How many tasks were sent to it and wait there for those that run. They count as running. */
  readonly ahead: number;
  /** The share of its time in which it was busy in the last seconds, from 0 to 1. */
  readonly utilization: number;
  /**
   * MiB of V8's heap and of what it holds beside it. A thread measures itself when it starts, and after a batch if somebody
   * has asked since.
   */
  readonly memoryMiB: number;
  /** How many tasks it has run. */
  readonly tasksRun: number;
}

export function threadInfo(thread: Thread, isStuck: boolean, progressOf: ReadonlyMap<Task, Progress>): ThreadInfo {
  // What is asked for now is there when somebody looks again.
  thread.askForMemory();
  return {
    threadId: thread.id,
    state: isStuck ? "stuck" : thread.retired ? "ending" : thread.busy > 0 ? "busy" : "idle",
    running: isStuck ? [] : [...running(thread, progressOf)],
    ahead: isStuck ? 0 : waitingOn(thread),
    utilization: thread.utilization(),
    memoryMiB: thread.memoryBytes / 2 ** 20,
    tasksRun: thread.tasksRun,
  };
}

function* running(thread: Thread, progressOf: ReadonlyMap<Task, Progress>): Generator<RunningTask> {
  for (const { slot, task } of thread.running()) {
    const reported = progressOf.get(task);
    yield {
      id: task.id,
      task: task.definition.name,
      attempt: task.attempt,
      runMs: Math.max(0, sharedNow() - (slot.memory.beganAt[0] ?? 0)),
      stopping: task.abortedBy !== undefined,
      progress: reported && { value: reported.value, ageMs: since(reported.at, ticks()) },
    };
  }
}

function waitingOn(thread: Thread): number {
  let count = 0;
  for (const slot of thread.slots) {
    for (let index = slot.reported; index < slot.tasks.length; index++) {
      if (slot.stateOf(index) === slotState.waiting) count++;
    }
  }
  return count;
}
