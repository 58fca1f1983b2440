// The seam between the shutdown and an offloader: the single steps of a drain. The offloader implements it.
import type { Logger } from "../../base/logger.js";
import type { TaskState } from "../../core/states.js";

/** An accepted task or callback that had not reached a final state. */
export interface UnfinishedTask {
  /** The id that the dispatch returned. */
  readonly id: string;
  /** The task's name; for a callback the name of its function. */
  readonly task: string;
  /** Its state at the deadline. */
  readonly state: TaskState;
  /** How often it has been started. */
  readonly attempt: number;
}

export interface DrainTarget {
  readonly name: string;
  readonly logger: Logger;
  /** Whether tasks can run: false until a thread has loaded the tasks module. Readiness answers 503 until then. */
  isReady?(): boolean;
  /** Tasks and callbacks in no final state: held + queued + delayed + running. */
  unfinishedCount(): number;
  /** The same, one by one, oldest first; at most `max`. */
  unfinished(max?: number): UnfinishedTask[];
  /** How many tasks and callbacks have ended in each final state since the start. */
  totals(): { succeeded: number; failed: number; cancelled: number; skipped: number; abandoned: number };
  /** Resolves when nothing is unfinished and that stays so for a moment; never rejects. Admission stays open. */
  idle(): Promise<void>;
  /** The process is about to end; admission stays open. The first call emits `draining`. */
  announceDraining(): void;
  /** Closes admission for good: from now on every dispatch throws AR_SHUTTING_DOWN. */
  refuse(): void;
  /** Moves every task and callback that waits (held, queued, delayed) to `abandoned`, so that none of them starts. */
  abandonWaiting(): void;
  /** Aborts the signal of every running task and callback. Each becomes `abandoned` when it ends, which may take a while. */
  abortRunning(reason: Error): void;
  /** Moves what still runs to `abandoned`. */
  abandonRunning(): void;
  /**
   * `tasks`: every task and callback that was abandoned, as it was before that, oldest first. `journaled`: how many the
   * journal keeps for the next process; these are not in `tasks`. Those taken over from earlier processes and not yet
   * brought back count among them.
   */
  abandoned(): { tasks: UnfinishedTask[]; journaled: number };
  /** Writes the lines that are still being summed up: the process may end. */
  flushLog?(): void;
  /**
   * Runs the teardown hooks of the threads and ends the threads; terminates those that are not done after `timeout` ms, and
   * waits for their end no longer than `latest` ms. Emits `drained`.
   */
  endThreads(timeout: number, latest: number): Promise<void>;
  /** Threads and callbacks that go on although they were to end. Node waits for native code when it exits. */
  unended(): number;
}
