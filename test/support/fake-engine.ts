// An engine that does only what a test says, and a scheduler around it: for tests of what the core makes of its reports.
import type { OffloadError } from "../../src/base/errors.js";
import type { Clock } from "../../src/base/time.js";
import type { Task } from "../../src/core/task.js";
import type { Engine, EngineHost } from "../../src/engine/engine.js";
import { defaultPolicy } from "../../src/intake/call/dispatch-options.js";
import { Definitions } from "../../src/intake/definitions.js";
import { EngineReports } from "../../src/intake/schedule/engine-reports.js";
import { LongRunning } from "../../src/intake/schedule/long-running.js";
import { Scheduler } from "../../src/intake/schedule/scheduler.js";
import { Startup } from "../../src/intake/startup.js";
import { NoStore } from "../../src/store/no-store.js";
import { createTaskLog } from "./task-log.js";
import { createQueuedLedger, type LogLine, recordEvents, recordingLogger } from "./tasks.js";

class FakeEngine implements Engine {
  readonly unended = 0;
  readonly name = "fake";
  /** What it was asked for, in order: the call, and of which task. */
  readonly calls: [string, Task | string | undefined][] = [];
  /** What `stop` answers. */
  stopAnswer: "unbegun" | "stopping" | "ended" = "stopping";

  start(_host: EngineHost): void {}
  prepare(): void {}

  add(task: Task): void {
    this.calls.push(["add", task]);
  }

  remove(task: Task): void {
    this.calls.push(["remove", task]);
  }

  stop(task: Task, reason: OffloadError): "unbegun" | "stopping" | "ended" {
    this.calls.push(["stop", task]);
    if (this.stopAnswer === "stopping") task.abortedBy = reason;
    return this.stopAnswer;
  }

  want(task: Task): void {
    this.calls.push(["want", task]);
  }

  pause(task?: string): void {
    this.calls.push(["pause", task]);
  }

  resume(task?: string): void {
    this.calls.push(["resume", task]);
  }

  halt(): void {
    this.calls.push(["halt", undefined]);
  }

  async close(): Promise<void> {}
}

export interface SchedulerOptions {
  readonly logsFailures?: boolean;
  readonly clock?: Clock;
  /** After how many ms a running task is reported. */
  readonly reportsAfter?: number;
}

/** A scheduler with fake engines, and what it tells and logs. */
export function createScheduler(options: SchedulerOptions = {}) {
  const { logsFailures = true, clock, reportsAfter = Number.POSITIVE_INFINITY } = options;
  const lines: LogLine[] = [];
  const { ledger, events } = createQueuedLedger(lines);
  const { logger } = recordingLogger(lines);
  const engines = { task: new FakeEngine(), callback: new FakeEngine() };
  const definitions = new Definitions({ defaults: defaultPolicy, policies: new Map(), logger });
  const startup = new Startup({ definitions, explain: (reason) => reason });
  const store = new NoStore();
  const longRunning = new LongRunning({ ledger, definitions, logger, limit: reportsAfter, clock });
  const log = createTaskLog({ events, ledger, logger, settings: { ended: logsFailures ? "failed" : "none" } });
  const scheduler = new Scheduler({ ledger, events, store, engines, longRunning, log, clock });
  const takeOver = async (): Promise<void> => {};
  const followUp = (): string => "follow-up";
  const reports = new EngineReports({ scheduler, ledger, store, startup, longRunning, logger, takeOver, followUp });
  return {
    scheduler,
    reports,
    ledger,
    events,
    engine: engines.task,
    engines,
    definitions,
    longRunning,
    lines,
    recorded: recordEvents(events),
  };
}
