// The single steps of the drain of one offloader, for `close()` and the shutdown of the process.
import type { Logger } from "./base/logger.js";
import { inTime } from "./base/time.js";
import { abandonedError } from "./core/early-end.js";
import type { Events } from "./core/events.js";
import { type Ledger, summary } from "./core/ledger.js";
import type { Engine } from "./engine/engine.js";
import type { Admission } from "./intake/admission.js";
import type { Scheduler } from "./intake/schedule/scheduler.js";
import { forgetAtExit } from "./shutdown/process/exit-report.js";
import type { DrainTarget } from "./shutdown/steps/target.js";
import type { Store } from "./store/store.js";

export interface DrainParts {
  readonly name: string;
  readonly logger: Logger;
  readonly admission: Admission;
  readonly engines: readonly Engine[];
  readonly events: Events;
  readonly ledger: Ledger;
  readonly scheduler: Scheduler;
  readonly store: Store;
  isReady(): boolean;
  /** What has timers of its own for tasks that are unfinished. */
  readonly timers: readonly { stop(): void }[];
  /** What has summed up lines that it has not written. */
  readonly logs: readonly { flush(): void; stop(): void }[];
  /** Emits `draining`, unless an earlier drain did. */
  emitDraining(): void;
}

export function createDrainTarget(parts: DrainParts): DrainTarget {
  const { admission, engines, events, ledger, scheduler, store, timers, logs } = parts;
  const flushLog = (): void => {
    for (const log of logs) log.flush();
  };
  return {
    name: parts.name,
    logger: parts.logger,
    isReady: () => parts.isReady(),
    unfinishedCount: () => ledger.unfinished,
    unfinished: (max) => ledger.list(max).map(summary),
    totals: () => ledger.counts.all(),
    idle: () => ledger.idle(),
    announceDraining() {
      store.stopReplay();
      for (const engine of engines) engine.drain?.();
      scheduler.pauses.resumeForGood();
      parts.emitDraining();
    },
    refuse: () => admission.close(),
    abandonWaiting: () => scheduler.abandonWaiting(),
    abortRunning: (reason) => scheduler.abortRunning(abandonedError(reason)),
    abandonRunning() {
      scheduler.abandonRunning();
      // What comes now may be ended by force, and some of what was lost may not be named yet.
      flushLog();
    },
    abandoned: () => ({
      tasks: [...ledger.abandonedTasks],
      journaled: store.pending,
    }),
    flushLog,
    async endThreads(timeout, latest) {
      flushLog();
      await inTime(Promise.all(engines.map((engine) => engine.close(timeout))), latest);
      await store.close();
      for (const part of [...timers, ...logs]) part.stop();
      forgetAtExit(this);
      events.emit("drained", { unfinished: ledger.unfinished });
    },
    unended: () => engines.reduce((sum, engine) => sum + engine.unended, 0),
  };
}
