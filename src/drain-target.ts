// The drain of one offloader in its single steps, for `close()` and the shutdown of the process.

import { OffloadError } from "./base/errors.js";
import type { Logger } from "./base/logger.js";
import type { Events } from "./core/events.js";
import { type Ledger, summary } from "./core/ledger.js";
import type { Callbacks } from "./engine/callbacks/callbacks.js";
import type { Crew } from "./engine/threads/pool/thread-pool.js";
import type { Pool } from "./engine/threads/pool.js";
import type { Admission } from "./intake/admission.js";
import type { Dispatcher } from "./intake/dispatcher.js";
import type { Journaling } from "./journal/journaling.js";
import { forgetAtExit } from "./shutdown/process/exit-report.js";
import type { DrainTarget } from "./shutdown/steps/target.js";

export interface DrainParts {
  readonly name: string;
  readonly logger: Logger;
  readonly admission: Admission;
  readonly callbacks: Callbacks;
  readonly crew: Crew;
  readonly dispatcher: Dispatcher;
  readonly events: Events;
  readonly journaling: Journaling | undefined;
  readonly ledger: Ledger;
  readonly pool: Pool;
  /** Tells of the drain, the first time. */
  announce(): void;
}

export function createDrainTarget(parts: DrainParts): DrainTarget {
  const { admission, callbacks, crew, dispatcher, events, journaling, ledger, pool } = parts;
  return {
    name: parts.name,
    logger: parts.logger,
    unfinishedCount: () => ledger.unfinished,
    unfinished: (max) => ledger.list(max).map(summary),
    totals: () => ledger.counts.all(),
    settled: () => ledger.settled(),
    announceDraining() {
      journaling?.stop();
      parts.announce();
    },
    refuse: () => admission.close(),
    abandonWaiting() {
      for (const task of ledger.list()) {
        if (task.state !== "running") dispatcher.withdraw(task, () => ledger.abandoned(task));
      }
    },
    abortRunning(reason) {
      const error = new OffloadError("AR_ABANDONED", reason.message, { cause: reason });
      // What a thread has not begun goes back to the queue, and is waiting then.
      pool.stop();
      pool.abortAll(error);
      callbacks.abortAll(error);
      this.abandonWaiting();
    },
    abandonRunning() {
      // Those that wait have their timers taken away.
      this.abandonWaiting();
      // A listener may have cancelled it meanwhile.
      for (const task of ledger.list()) if (task.state === "running") ledger.abandoned(task);
    },
    abandoned() {
      const kept = journaling?.kept ?? new Set();
      const tasks = ledger.abandonedTasks.filter(({ id }) => !kept.has(id));
      return { tasks, journaled: journaling?.journal.stats.pending ?? 0 };
    },
    async endThreads(timeout) {
      pool.stop();
      await crew.end(timeout);
      await journaling?.journal.close();
      forgetAtExit(this);
      events.emit("drained", { unfinished: ledger.unfinished });
    },
  };
}
