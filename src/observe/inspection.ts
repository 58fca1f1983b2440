// Everything that an offloader shows of itself on request. Nothing of it runs while nobody asks.
import { wrongArgument } from "../base/errors.js";
import type { ThreadEndCause } from "../core/events.js";
import type { Ledger, Progress } from "../core/ledger.js";
import type { Task } from "../core/task.js";
import type { ThreadInfo } from "../engine/threads/thread-info.js";
import type { Definitions } from "../intake/definitions.js";
import type { Refusals } from "../intake/refusals.js";
import type { JournalSnapshot } from "../store/store.js";
import { type OffloaderSnapshot, takeSnapshot } from "./snapshot.js";
import { type OffloaderStats, type ThreadCounts, Throughput, takeStats } from "./stats.js";
import { listTasks, type TaskInfo, type TasksQuery } from "./tasks.js";

export interface InspectionParts {
  readonly name: string;
  readonly idPrefix: string;
  readonly ledger: Ledger;
  readonly definitions: Definitions;
  readonly engine: {
    readonly pool: ThreadCounts & { readonly endedBy: Readonly<Record<ThreadEndCause, number>> };
    readonly remarksDropped: number;
    threads(progressOf: ReadonlyMap<Task, Progress>): readonly ThreadInfo[];
  };
  readonly limits: { readonly max: number; readonly maxBytes: number };
  readonly maxThreads: number;
  readonly longRunning: { readonly count: number };
  readonly refusals: Refusals;
  readonly store: { snapshot(): JournalSnapshot | undefined };
  isDraining(): boolean;
}

export interface Inspection {
  threads(): readonly ThreadInfo[];
  tasks(query?: TasksQuery): TaskInfo[];
  /** The unfinished task or callback with this id. */
  find(id: string): Task | undefined;
  snapshot(): OffloaderSnapshot;
  stats(): OffloaderStats;
}

export function createInspection(parts: InspectionParts): Inspection {
  const { ledger, definitions, engine, idPrefix } = parts;
  const threads = (): readonly ThreadInfo[] => engine.threads(ledger.progressOf);
  const throughput = new Throughput();
  return {
    threads,
    tasks: (query) => listTasks({ ledger, definitions }, query),
    find(id) {
      if (typeof id !== "string") throw wrongArgument("find(id)", "the id of a task or callback, a string", id);
      const number = id.startsWith(idPrefix) ? id.slice(idPrefix.length) : "";
      const seq = Number.parseInt(number, 36);
      // The number of an id can be written in one way only.
      const accepted = seq.toString(36) === number ? ledger.tasks.bySeq(seq) : undefined;
      // One that was accepted here may have come back from a queue elsewhere.
      return accepted ?? ledger.tasks.byReplayedId(id);
    },
    snapshot: () =>
      takeSnapshot({ ...parts, threads, endedBy: engine.pool.endedBy, remarksDropped: engine.remarksDropped }),
    stats: () => takeStats({ ...parts, threads: engine.pool, throughput }),
  };
}
