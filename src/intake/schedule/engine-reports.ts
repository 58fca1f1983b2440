// What the engines report, as moves of their tasks. An engine may report about a task that has ended meanwhile.
import type { Logger } from "../../base/logger.js";
import type { FollowUp } from "../../core/follow-up.js";
import type { Ledger } from "../../core/ledger.js";
import { isFinal } from "../../core/states.js";
import type { Task } from "../../core/task.js";
import type { EngineHost } from "../../engine/engine.js";
import type { Store } from "../../store/store.js";
import type { ErrorOf, Startup } from "../startup.js";
import type { LongRunning } from "./long-running.js";
import type { Scheduler } from "./scheduler.js";

export interface EngineReportsParts {
  readonly scheduler: Scheduler;
  readonly ledger: Ledger;
  readonly store: Store;
  readonly startup: Startup;
  readonly longRunning: LongRunning;
  /** Takes over what earlier processes left unfinished. */
  readonly takeOver: () => Promise<void>;
  /** Accepts what a task dispatches; returns its id, or throws the refusal. */
  readonly followUp: (followUp: FollowUp) => string;
  readonly logger: Logger;
}

export class EngineReports implements EngineHost {
  constructor(private readonly parts: EngineReportsParts) {}

  together(report: () => void): void {
    this.parts.scheduler.move(report);
  }

  started(task: Task, threadId?: number, at?: number): void {
    this.parts.ledger.started(task, threadId, at);
    this.parts.longRunning.started();
  }

  returned(task: Task): void {
    if (isFinal(task.state)) return;
    this.parts.ledger.takenBack(task);
  }

  succeeded(task: Task, value: unknown, runMs?: number): void {
    if (isFinal(task.state)) return;
    const { scheduler } = this.parts;
    scheduler.events.beginMove();
    try {
      scheduler.attempts.succeeded(task, value, runMs);
    } finally {
      scheduler.events.endMove();
    }
  }

  failed(task: Task, error: unknown, retryable: boolean, runMs?: number): void {
    if (isFinal(task.state)) return;
    const { scheduler } = this.parts;
    scheduler.move(() => scheduler.attempts.failed(task, error, retryable, runMs));
  }

  shed(task: Task): void {
    this.parts.ledger.dropPayload(task);
  }

  handedOver(task: Task): void {
    if (isFinal(task.state)) return;
    this.parts.scheduler.move(() => this.parts.ledger.forwarded(task));
  }

  progress(task: Task, value: unknown): void {
    // A task that was abandoned may still run.
    if (task.state !== "running") return;
    this.parts.scheduler.move(() => this.parts.ledger.progress(task, value));
  }

  offload(followUp: FollowUp): string {
    return this.parts.followUp(followUp);
  }

  ready(): void {
    if (!this.parts.startup.postpones(() => this.ready())) this.up();
  }

  /** The engine is up: the tasks that earlier processes left are looked for. */
  up(): void {
    this.parts.startup.up(this.parts.takeOver());
  }

  loaded(names: readonly string[]): void {
    if (!this.parts.startup.postpones(() => this.loaded(names))) this.learn(names);
  }

  /** The tasks are those of these names. */
  learn(names: readonly string[]): void {
    const errorOf = this.parts.startup.loaded(names);
    if (errorOf !== undefined) this.#failThoseWith(errorOf);
  }

  unloadable(reason: Error): void {
    if (!this.parts.startup.postpones(() => this.unloadable(reason), reason)) this.refuseAll(reason);
  }

  /** No task can run. */
  refuseAll(reason: Error): void {
    const { startup, logger } = this.parts;
    const isNew = startup.refusal === undefined;
    const errorOf = startup.unloadable(reason);
    // Nobody has to await ready(), and a refused dispatch may be logged by nobody.
    if (isNew) logger.error({ err: startup.refusal }, "no task can run, and every dispatch is refused");
    this.#failThoseWith(errorOf);
  }

  beforeDeparture(): void {
    this.parts.store.flush();
  }

  /** Fails the tasks that were accepted before it was known that they cannot run. */
  #failThoseWith(errorOf: ErrorOf): void {
    const { scheduler, ledger } = this.parts;
    scheduler.move(() => {
      for (const task of ledger.list()) {
        const error = errorOf(task.definition);
        if (error !== undefined) scheduler.fail(task, error);
      }
    });
  }
}
