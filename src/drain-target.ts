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
import { forgetAtExit } from "./shutdown/process/exit-report.js";
import type { DrainTarget } from "./shutdown/steps/target.js";
import type { Store } from "./store/store.js";

export interface DrainParts {
  readonly name: string;
  readonly logger: Logger;
  readonly admission: Admission;
  readonly callbacks: Callbacks;
  readonly crew: Crew;
  readonly dispatcher: Dispatcher;
  readonly events: Events;
  readonly store: Store;
  readonly ledger: Ledger;
  readonly pool: Pool;
  /** Tells of the drain, the first time. */
  announce(): void;
}

export function createDrainTarget(parts: DrainParts): DrainTarget {
  const { admission, callbacks, crew, dispatcher, events, ledger, pool, store } = parts;
  return {
    name: parts.name,
    logger: parts.logger,
    unfinishedCount: () => ledger.unfinished,
    unfinished: (max) => ledger.list(max).map(summary),
    totals: () => ledger.counts.all(),
    settled: () => ledger.settled(),
    announceDraining() {
      store.stopReplay();
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
      return { tasks: ledger.abandonedTasks.filter((task) => !store.isLeft(task)), journaled: store.pending };
    },
    async endThreads(timeout) {
      pool.stop();
      await crew.end(timeout);
      await store.close();
      forgetAtExit(this);
      events.emit("drained", { unfinished: ledger.unfinished });
    },
  };
}
