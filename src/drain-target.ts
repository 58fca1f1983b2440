// The drain of one offloader in its single steps, for `close()` and the shutdown of the process.
import type { Callbacks } from "./callbacks/callbacks.js";
import type { Dispatcher } from "./dispatcher.js";
import type { Journaling } from "./journaling.js";
import type { Crew } from "./pool/crew.js";
import type { Pool } from "./pool/pool.js";
import type { Admission } from "./queue/admission.js";
import { forgetAtExit } from "./shutdown/exit-report.js";
import type { DrainTarget } from "./shutdown/target.js";
import { OffloadError } from "./task/errors.js";
import type { Events } from "./task/events.js";
import { type Ledger, summary } from "./task/ledger.js";
import type { Logger } from "./task/logger.js";

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
