// What the engines report, as moves of their tasks. An engine may report about a task that has ended meanwhile.
import type { Logger } from "../../base/logger.js";
import type { Ledger } from "../../core/ledger.js";
import { isFinal } from "../../core/states.js";
import type { Task } from "../../core/task.js";
import type { FollowUp } from "../../core/task-context.js";
import type { EngineHost } from "../../engine/engine.js";
import type { Store } from "../../store/store.js";
import type { ErrorOf, Readiness } from "../readiness.js";
import type { LongRunning } from "./long-running.js";
import type { Scheduler } from "./scheduler.js";

export interface EngineReportsParts {
  readonly scheduler: Scheduler;
  readonly ledger: Ledger;
  readonly store: Store;
  readonly readiness: Readiness;
  readonly longRunning: LongRunning;
  /** Accepts what a task dispatches; returns its id, or throws the refusal. */
  readonly followUp: (followUp: FollowUp) => string;
  readonly logger: Logger;
}

export class EngineReports implements EngineHost {
  constructor(private readonly parts: EngineReportsParts) {}

  together(report: () => void): void {
    this.parts.scheduler.move(report);
  }

  started(task: Task, threadId?: number): void {
    this.parts.ledger.started(task, threadId);
    this.parts.longRunning.started();
  }

  returned(task: Task): void {
    if (isFinal(task.state)) return;
    this.parts.ledger.takenBack(task);
  }

  succeeded(task: Task, value: unknown, runMs?: number): void {
    if (isFinal(task.state)) return;
    const { scheduler } = this.parts;
    scheduler.beginMove();
    try {
      scheduler.attempts.succeeded(task, value, runMs);
    } finally {
      scheduler.endMove();
    }
  }

  failed(task: Task, error: unknown, retryable: boolean, runMs?: number): void {
    if (isFinal(task.state)) return;
    const { scheduler } = this.parts;
    scheduler.move(() => scheduler.attempts.failed(task, error, retryable, runMs));
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
    this.parts.readiness.up();
  }

  loaded(names: readonly string[]): void {
    const errorOf = this.parts.readiness.loaded(names);
    if (errorOf !== undefined) this.#failThoseWith(errorOf);
  }

  unloadable(reason: Error): void {
    const { readiness, logger } = this.parts;
    const isNew = readiness.refusal === undefined;
    const errorOf = readiness.unloadable(reason);
    // Nobody has to await ready(), and a refused dispatch may be logged by nobody.
    if (isNew) logger.error({ err: readiness.refusal }, "no task can run, and every dispatch is refused");
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
