// What stands around an engine under test: the real ledger, events and scheduler, and no store.
import { deferred } from "../../src/base/deferred.js";
import { consoleLogger, type Logger } from "../../src/base/logger.js";
import type { Clock } from "../../src/base/time.js";
import type { TaskDefinition } from "../../src/core/definition.js";
import { type EventName, Events } from "../../src/core/events.js";
import type { FollowUp } from "../../src/core/follow-up.js";
import { Ledger } from "../../src/core/ledger.js";
import type { Dispatch, Task } from "../../src/core/task.js";
import type { Engine, EngineHost } from "../../src/engine/engine.js";
import { defaultPolicy } from "../../src/intake/call/dispatch-options.js";
import { Definitions } from "../../src/intake/definitions.js";
import { EngineReports } from "../../src/intake/schedule/engine-reports.js";
import { LongRunning } from "../../src/intake/schedule/long-running.js";
import { Scheduler } from "../../src/intake/schedule/scheduler.js";
import type { Startup } from "../../src/intake/startup.js";
import { NoStore } from "../../src/store/no-store.js";
import { createTaskLog } from "../support/task-log.js";
import { makeTask, recordEvents } from "../support/tasks.js";

export interface HostOptions {
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly events?: Events;
  readonly logsFailures?: boolean;
}

export class TestHost {
  readonly events: Events;
  readonly ledger: Ledger;
  readonly scheduler: Scheduler;
  /** Every event of every task, as it was delivered. */
  readonly heard: ReturnType<typeof recordEvents>;
  /** Resolves when the engine is ready; rejects when the tasks module cannot be loaded. */
  readonly ready: Promise<void>;
  /** The names of the tasks, each time the engine has loaded the module. */
  readonly names: (readonly string[])[] = [];

  /** What tasks have dispatched. */
  readonly followUps: FollowUp[] = [];
  /** Accepts what a task dispatches, or throws the refusal; a test may replace it. */
  followUp: (followUp: FollowUp) => string = (followUp) => `follow-up-${this.followUps.push(followUp)}`;

  /** What the engine is given as its host; a test may replace a report. */
  readonly reports: { -readonly [Report in keyof EngineHost]: EngineHost[Report] };

  constructor(
    readonly engine: Engine,
    { clock, logger = consoleLogger, events, logsFailures = false }: HostOptions = {},
  ) {
    this.events = events ?? new Events((error) => logger.error({ err: error }, "a listener failed"));
    this.ledger = new Ledger(this.events);
    const ready = deferred();
    this.ready = ready.promise;
    this.ready.catch(() => {});
    const startup = {
      up: ready.resolve,
      postpones: () => false,
      loaded: (names: readonly string[]) => void this.names.push(names),
      unloadable(error: Error) {
        ready.reject(error);
        return () => error;
      },
    };
    const definitions = new Definitions({ defaults: defaultPolicy, policies: new Map(), logger });
    const limit = Number.POSITIVE_INFINITY;
    const longRunning = new LongRunning({ ledger: this.ledger, definitions, logger, limit });
    const store = new NoStore();
    this.scheduler = new Scheduler({
      ledger: this.ledger,
      events: this.events,
      store,
      engines: { task: engine, callback: engine },
      longRunning,
      log: createTaskLog({
        events: this.events,
        ledger: this.ledger,
        logger,
        settings: { ended: logsFailures ? "failed" : "none" },
      }),
      clock,
    });
    this.reports = reportsOf(
      new EngineReports({
        scheduler: this.scheduler,
        ledger: this.ledger,
        store,
        startup: startup as unknown as Startup,
        longRunning,
        takeOver: async () => {},
        followUp: (followUp) => this.followUp(followUp),
        logger,
      }),
    );
    this.heard = recordEvents(this.events);
  }

  start(): void {
    this.engine.start(this.reports);
  }

  /** Accepts a task that is released later. */
  hold(
    definition: TaskDefinition,
    dispatch: Partial<Dispatch> = {},
    content: { payload?: unknown; context?: unknown } = {},
  ): Task {
    const task = makeTask(definition, dispatch, content);
    this.scheduler.accept(task);
    return task;
  }

  /** Accepts a task and queues it at once. */
  add(
    definition: TaskDefinition,
    dispatch: Partial<Dispatch> = {},
    content: { payload?: unknown; context?: unknown } = {},
  ): Task {
    const task = this.hold(definition, dispatch, content);
    this.scheduler.move(() => this.scheduler.release(task));
    return task;
  }

  /** The names of the events of one task, in their order. */
  story(task: Task): EventName[] {
    return this.heard.filter(({ event }) => event.id === task.id).map(({ name }) => name);
  }
}

function reportsOf(host: EngineHost): TestHost["reports"] {
  return {
    started: (task) => host.started(task),
    returned: (task) => host.returned(task),
    succeeded: (task, value, runMs) => host.succeeded(task, value, runMs),
    failed: (task, error, retryable, runMs) => host.failed(task, error, retryable, runMs),
    shed: (task) => host.shed(task),
    handedOver: (task) => host.handedOver(task),
    progress: (task, value) => host.progress(task, value),
    offload: (followUp) => host.offload(followUp),
    ready: () => host.ready(),
    loaded: (names) => host.loaded(names),
    unloadable: (error) => host.unloadable(error),
    beforeDeparture: () => host.beforeDeparture(),
    together: (report) => host.together(report),
  };
}
