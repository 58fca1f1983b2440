// What the shutdown needs of an offloader: the drain in its single steps. The offloader implements it.
import type { Logger } from "../task/logger.js";
import type { TaskState } from "../task/states.js";

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
  /** Aborts the signal of every running task and callback. They may still end in their own way. */
  abortRunning(reason: Error): void;
  /**
   * Moves every unfinished task and callback to `abandoned` and returns them as they were before. Tasks that a journal
   * keeps for the next process are counted in `journaled` and not listed.
   */
  abandonUnfinished(): { abandoned: UnfinishedTask[]; journaled: number };
  /** Runs the teardown hooks of the threads and ends the threads; terminates those that are not done after `timeout` ms. Emits `drained`. */
  endThreads(timeout: number): Promise<void>;
}
