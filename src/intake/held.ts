// The tasks that are held. Each is released at the end of its response. A response that does not end has a bound, and one that
// cannot tell of its end a short one.

import type { Logger } from "../base/logger.js";
import { backgroundClock, realClock } from "../base/time.js";
import { lines, write } from "../core/log/lines.js";
import type { Task } from "../core/task.js";
import type { CallbackPayload } from "../engine/callbacks/callbacks.js";
import { whenOver } from "../response/over.js";
import { runIfAllows } from "../response/run-if.js";
import type { Over } from "../response/watch.js";
import { type Hold, HoldLimit } from "./hold-limit.js";
import type { Scheduler } from "./schedule/scheduler.js";

/** A response to wait for: what the user gave, or the one being handled. */
export type HeldResponse = Parameters<typeof whenOver>[0];

export interface HeldParts {
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  /** How long a task is held at the most, in ms. */
  readonly maxHold: number;
}

/** How long a response that cannot tell of its end may still be given a connection, in ms. */
const silentMs = 1_000;
/** Ids in one line of the log. */
const mostIds = 20;

export class Held {
  readonly #parts: HeldParts;
  readonly #all: HoldLimit;
  readonly #silent: HoldLimit;

  constructor(parts: HeldParts) {
    this.#parts = parts;
    const { maxHold } = parts;
    this.#all = new HoldLimit(maxHold, (holds) => this.#tooLong(holds), backgroundClock);
    // Nothing else may keep the process alive until then.
    this.#silent = new HoldLimit(silentMs, (holds) => this.#saysNothing(holds), realClock);
  }

  /** Keeps a task until its response is over. */
  add(task: Task, response: HeldResponse): void {
    const { scheduler } = this.#parts;
    const watch = whenOver(response, (over) => {
      scheduler.events.beginMove();
      try {
        this.#over(task, over);
      } finally {
        scheduler.events.endMove();
      }
    });
    const hold = { task, watch };
    this.#all.add(hold);
    if (watch.isSilent) this.#silent.add(hold);
  }

  /** A drain has begun: it does not wait for responses that cannot tell of their end. */
  hurry(): void {
    this.#silent.hurry();
  }

  /** The drain is over, and the process goes on. */
  calm(): void {
    this.#silent.calm();
  }

  /** The offloader is closed. */
  stop(): void {
    this.#all.stop();
    this.#silent.stop();
  }

  #tooLong(holds: readonly Hold[]): void {
    const error = new Error(`the response did not end within queue.maxHold (${this.#parts.maxHold} ms)`);
    this.#giveUp(holds, error, `${error.message}; runIf decides whether it runs`, false);
  }

  #saysNothing(holds: readonly Hold[]): void {
    const error = new Error("the response cannot tell of its end");
    const reason =
      "its response can never tell of its end: it is a mock that keeps no listeners, or a ServerResponse that has no " +
      "connection";
    // It may have been given a connection meanwhile.
    const silent = holds.filter(({ watch }) => watch.isSilent);
    this.#giveUp(silent, error, reason, true);
  }

  /** Releases tasks without the end of their responses. Those of one name share a line of the log. */
  #giveUp(holds: readonly Hold[], error: Error, reason: string, trustsEnd: boolean): void {
    const given = new Map<string, Task[]>();
    this.#parts.scheduler.move(() => {
      for (const { task, watch } of holds) {
        const outcome = watch.outcomeSoFar(error, trustsEnd);
        if (outcome === undefined || task.state !== "held") continue;
        const { name } = task.definition;
        given.set(name, [...(given.get(name) ?? []), task]);
        this.#over(task, { outcome });
      }
    });
    for (const [task, tasks] of given) {
      const ids = tasks.slice(0, mostIds).map(({ id }) => id);
      const kind = tasks[0]?.definition.kind;
      write(this.#parts.logger, lines.noLongerHeld, { task, kind, count: tasks.length, ids }, { kind, reason });
    }
  }

  /** Releases a task, unless `runIf` says no. */
  #over(task: Task, over: Over): void {
    // It may have been cancelled meanwhile.
    if (task.state !== "held") return;
    if (task.definition.kind === "callback") (task.payload as CallbackPayload).outcome = over.outcome;
    const { scheduler } = this.#parts;
    let allowed: boolean;
    try {
      allowed = runIfAllows(task.dispatch.runIf, over);
    } catch (error) {
      scheduler.fail(task, error);
      return;
    }
    // The predicate is the user's and may have cancelled the task.
    if (task.state !== "held") return;
    if (allowed) scheduler.release(task);
    else scheduler.skip(task);
  }
}
