// The inside of an offloader as the testing kit and the page find it: the parts that they read, and those that the kit replaces
// for a while. The public types do not show it. An application never needs it.
import type { Logger } from "../base/logger.js";
import type { SwitchableClock } from "../base/switchable-clock.js";
import type { Events } from "../core/events.js";
import type { Ledger } from "../core/ledger.js";
import type { Task } from "../core/task.js";
import type { Intake } from "./intake.js";
import type { EngineReports } from "./schedule/engine-reports.js";
import type { Scheduler } from "./schedule/scheduler.js";
import type { Startup } from "./startup.js";
import type { TaskMaker } from "./task-maker.js";

export interface Inside {
  /** The same object in everything that shares this copy of the library. */
  readonly copy: object;
  readonly name: string;
  /** URL of the tasks module. */
  readonly module: string;
  /** ms that a task may go on after its signal aborted. */
  readonly abortGrace: number;
  readonly logger: Logger;
  readonly events: Events;
  readonly ledger: Ledger;
  readonly intake: Intake;
  readonly startup: Startup;
  readonly scheduler: Scheduler;
  /** The host of every engine. */
  readonly reports: EngineReports;
  readonly maker: TaskMaker;
  /** The clock of backoffs and of callbacks. */
  readonly clock: SwitchableClock;
  /** The drain that goes on, with the ms until its deadline where it has one. */
  readonly drain: () => { readonly leftMs: number | undefined } | undefined;
  /** The unfinished task or callback with this id. */
  readonly find: (id: string) => Task | undefined;
  /** Whether it was made in one of its own threads, where nothing runs. */
  readonly inThread: boolean;
}

/**
 * Two copies of the library in one process do not share their classes, so the testing kit of one cannot read the tasks of the
 * other. This object tells them apart.
 */
export const copy: object = Object.freeze({});

// A shared symbol and not a WeakMap: the kit of another copy finds it too, and can say what is wrong.
const key = Symbol.for("offload-after-response.inside");

/** Lets the testing kit find the inside of an offloader. */
export function showInside(offloader: object, inside: Inside): void {
  // Not enumerable, so that no copy, snapshot or equality of a test meets it.
  Object.defineProperty(offloader, key, { value: inside });
}

/** The inside of an offloader; undefined for everything else. */
export function insideOf(offloader: unknown): Inside | undefined {
  return typeof offloader === "object" && offloader !== null ? Reflect.get(offloader, key) : undefined;
}
