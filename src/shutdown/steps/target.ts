// What the shutdown needs of an offloader: the drain in its single steps. The offloader implements it.
import type { Logger } from "../../base/logger.js";
import type { TaskState } from "../../core/states.js";

/** An accepted task or callback that had not reached a final state. */
export interface UnfinishedTask {
  readonly id: string;
  readonly task: string;
  readonly state: TaskState;
  readonly attempt: number;
}

export interface DrainTarget {
  readonly name: string;
  readonly logger: Logger;
  /** Tasks and callbacks in no final state: held + queued + delayed + running. */
  unfinishedCount(): number;
  /** The same, one by one, oldest first; `max` of them at the most. */
  unfinished(max?: number): UnfinishedTask[];
  /** Tasks and callbacks that have ended since the start, by end. */
  totals(): { succeeded: number; failed: number; cancelled: number; skipped: number; abandoned: number };
  /** Resolves when nothing is unfinished and that stays so for a moment; never rejects. Admission stays open. */
  settled(): Promise<void>;
  /** Emits `draining` (first call only): the process is on its way out, admission still open. */
  announceDraining(): void;
  /** Closes admission for good: from now on every dispatch throws AR_SHUTTING_DOWN. */
  refuse(): void;
  /** Moves every task and callback that waits (held, queued, delayed) to `abandoned`: none of them starts any more. */
  abandonWaiting(): void;
  /** Aborts the signal of every running task and callback. They end in their own time, and then as `abandoned`. */
  abortRunning(reason: Error): void;
  /** Moves what still runs to `abandoned`. */
  abandonRunning(): void;
  /**
   * Every task and callback that was abandoned, as it was before that, oldest first. Those that a journal keeps for the
   * next process are counted in `journaled` and not listed, as are those taken over from earlier processes whose turn has not come.
   */
  abandoned(): { tasks: UnfinishedTask[]; journaled: number };
  /** Runs the teardown hooks of the threads and ends the threads; terminates those that are not done after `timeout` ms. Emits `drained`. */
  endThreads(timeout: number): Promise<void>;
}
