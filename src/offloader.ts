// createOffloader: makes the parts of an offloader and connects them.
import { randomBytes } from "node:crypto";
import { OffloadError } from "./base/errors.js";
import { named } from "./base/logger.js";
import { checkOptions, milliseconds } from "./base/option-rules.js";
import { SwitchableClock } from "./base/switchable-clock.js";
import { inTime, microtask } from "./base/time.js";
import type { DispatchableTask, Offloader } from "./contract.js";
import { Events } from "./core/events.js";
import { Ledger } from "./core/ledger.js";
import { lines, write } from "./core/log/lines.js";
import { TaskLog } from "./core/log/task-log.js";
import { createDrainTarget } from "./drain-target.js";
import { createCallbacksEngine } from "./engine/callbacks/callbacks.js";
import type { Engine } from "./engine/engine.js";
import { RemoteTasks } from "./engine/remote/remote-tasks.js";
import { explainLoadError, findTasksModule, type TasksModule } from "./engine/threads/module/tasks-module.js";
import { startLibuvThreads } from "./engine/threads/pool/libuv-threads.js";
import { inThreadError, isInOwnThread } from "./engine/threads/pool/thread-mark.js";
import { ThreadsEngine } from "./engine/threads/threads-engine.js";
import { Admission } from "./intake/admission.js";
import { Calls } from "./intake/call/calls.js";
import { DeadLetterCalls } from "./intake/call/dead-letters.js";
import type { AnyTasks } from "./intake/call/typed.js";
import { Definitions } from "./intake/definitions.js";
import { Held } from "./intake/held.js";
import { copy, type Inside, showInside } from "./intake/inside.js";
import { InstanceWarnings } from "./intake/instance-warnings.js";
import { Intake } from "./intake/intake.js";
import { Refusals } from "./intake/refusals.js";
import { EngineReports } from "./intake/schedule/engine-reports.js";
import { LongRunning } from "./intake/schedule/long-running.js";
import { Scheduler } from "./intake/schedule/scheduler.js";
import { Startup } from "./intake/startup.js";
import { TaskMaker } from "./intake/task-maker.js";
import { JournalStore } from "./journal/journal-store.js";
import { MemoryStore } from "./journal/memory-store.js";
import { createInspection } from "./observe/inspection.js";
import { type OffloaderOptions, type ResolvedOptions, resolveOptions } from "./options.js";
import { AfterEach } from "./response/after-each.js";
import { trackCurrentResponse } from "./response/current.js";
import { shutdownInThread } from "./shutdown/in-thread.js";
import { reportAtExit } from "./shutdown/process/exit-report.js";
import { shutdownOnSignals } from "./shutdown/shutdown.js";
import { type CloseOptions, closeTarget, closingLeftMs, isClosing } from "./shutdown/steps/close.js";
import type { CloseReport } from "./shutdown/steps/report.js";
import type { DrainTarget } from "./shutdown/steps/target.js";
import { NoStore } from "./store/no-store.js";
import { openOffloader } from "./wiring/open-offloaders.js";
import { checkRuntime } from "./wiring/runtime.js";

/**
 * Creates an offloader and starts its first threads.
 *
 * A `name` stands for one offloader: if one with the same name and tasks module is open in this process, that one is
 * returned, because frameworks evaluate a module several times. In development (`NODE_ENV`) this is so without a name too,
 * if the options are the same.
 *
 * @typeParam Tasks `typeof` the tasks module, from which names, payloads and results get their types
 * @param options `tasks` is required; every other option has a default
 * @returns the offloader, which accepts calls at once
 * @throws OffloadError AR_INVALID_OPTIONS naming the option, what was expected and what was given; AR_UNSUPPORTED_RUNTIME in Bun
 * @example
 * ```ts
 * import type * as tasks from "./workers/tasks.js";
 *
 * export const offloader = createOffloader<typeof tasks>({ tasks: "./workers/tasks.js" });
 * offloader.shutdownOnSignals();
 * ```
 */
export function createOffloader<Tasks = AnyTasks>(options: OffloaderOptions<Tasks>): Offloader<Tasks> {
  checkRuntime();
  const given = options as OffloaderOptions;
  const settings = resolveOptions(given);
  const module = findTasksModule(settings.tasks, settings.pool.execArgv);
  const offloader = openOffloader(given, module.url, () => {
    const { offloader, target } = makeOffloader(settings, module);
    return {
      offloader,
      options: given,
      isOpen: () => !isClosing(target),
      warn: (message) => settings.logger.warn({ offloader: settings.name }, message),
    };
  });
  // The compiler checks names and payloads at the call, and the intake checks them at run time.
  return offloader as unknown as Offloader<Tasks>;
}

/**
 * The most tasks of earlier processes that are in memory at once, however large the room is: V8's collections of a heap with a million of
 * them stop the event loop for up to 25 ms.
 */
const mostReplayed = 20_000;

/** What keeps accepted tasks: the journal; without one, of those that leave for a queue, what the queue gets. */
function openStore(
  { journal, engine, role, name, logger }: ResolvedOptions,
  inThread: boolean,
  hasRoom: () => boolean,
) {
  if (inThread) return new NoStore();
  if (journal !== undefined) return new JournalStore(journal, { logger, hasRoom });
  if (engine === undefined) return new NoStore();
  // A task that dispatches others is run again if its worker dies.
  if (role !== "work") {
    const loss =
      "what has not reached it is lost if this process dies; give createOffloader the option journal: { dir }";
    logger.warn(
      { offloader: name, engine: engine.name },
      `the engine ${engine.name} has no journal in front of it: ${loss}`,
    );
  }
  return new MemoryStore();
}

function makeOffloader(
  settings: ResolvedOptions,
  module: TasksModule,
): { readonly offloader: Offloader; readonly target: DrainTarget } {
  const { name, pool } = settings;
  const logger = named(settings.logger, name);
  const idPrefix = `${randomBytes(8).toString("hex")}-`;
  const inThread = isInOwnThread();
  if (!inThread) trackCurrentResponse();

  // Each part is made after those that it knows.
  const clock = new SwitchableClock();
  const events = new Events((err, event) => logger.error({ err, event }, "a listener failed"), name);
  const ledger = new Ledger(events);
  const { max, maxBytes } = settings.queue;
  // Tasks of earlier processes take at most half of the room, so that there is room for new ones. The others stay in the journal.
  const hasRoom = (): boolean =>
    ledger.unfinished - ledger.shed < Math.max(1, max / 2) &&
    ledger.bytes <= maxBytes / 2 &&
    ledger.tasks.replayed < mostReplayed;
  const store = openStore(settings, inThread, hasRoom);
  const threads = new ThreadsEngine({
    name,
    options: inThread ? { ...pool, watch: false } : pool,
    module,
    idPrefix,
    events,
    logger,
  });
  const callbacks = createCallbacksEngine({
    offloader: name,
    concurrency: settings.callbacks.concurrency,
    abortGrace: pool.abortGrace,
    clock,
  });
  const elsewhere = inThread ? undefined : settings.engine;
  const remote =
    elsewhere &&
    new RemoteTasks({
      choice: elsewhere,
      role: settings.role,
      local: threads,
      store,
      logger,
      places: pool.maxThreads * pool.concurrentTasksPerThread,
      readmit: (stored, onMade) => intake.readmit(stored, onMade),
    });
  const tasksEngine: Engine = remote ?? threads;
  const definitions = new Definitions(settings);
  const startup = new Startup({ definitions, explain: (reason) => explainLoadError(module, reason) });
  const longRunning = new LongRunning({ ledger, definitions, logger, limit: settings.log.longRunning });
  const log = new TaskLog({ events, logger, settings: settings.log, ledger, limits: settings.queue });
  const scheduler = new Scheduler({
    ledger,
    events,
    store,
    engines: { task: tasksEngine, callback: callbacks },
    longRunning,
    log,
    clock,
  });
  const admission = new Admission(ledger, settings.queue);
  const maker = new TaskMaker({
    identity: (seq) => idPrefix + seq.toString(36),
    admission,
    store,
    instances: new InstanceWarnings(logger),
  });
  const held = new Held({ scheduler, logger, maxHold: settings.queue.maxHold });
  const refusals = new Refusals(events, logger);
  const intake = new Intake({
    name,
    context: settings.context,
    definitions,
    startup,
    admission,
    maker,
    scheduler,
    held,
    refusals,
    elsewhere: elsewhere && {
      ...elsewhere.limits,
      ...(elsewhere.limits.transactional && {
        prepare: (...given) => remote?.transactions.prepare(...given),
      }),
    },
  });
  const takeOver = (): Promise<void> => store.takeOver(intake.readmit);
  const reports = new EngineReports({
    scheduler,
    ledger,
    store,
    startup,
    longRunning,
    takeOver,
    followUp: intake.followUp,
    logger,
  });
  let draining = false;
  /** Calls of `drain()` that wait. */
  let drains = 0;
  const emitDraining = (): void => {
    held.hurry();
    if (draining) return;
    draining = true;
    events.emit("draining", { unfinished: ledger.unfinished });
  };
  const target = createDrainTarget({
    name,
    // Of the process: its lines name the offloader where they speak of one.
    logger: settings.logger,
    admission,
    engines: [tasksEngine, callbacks],
    events,
    ledger,
    scheduler,
    store,
    // Without a thread at the start, the first task loads the module: there is nothing to wait for.
    isReady: () => startup.isLoaded || (pool.minThreads === 0 && startup.refusal === undefined),
    emitDraining,
    timers: [held, longRunning],
    logs: [log, refusals],
  });
  const inspection = createInspection({
    name,
    idPrefix,
    ledger,
    definitions,
    engine: threads,
    limits: settings.queue,
    maxThreads: pool.maxThreads,
    longRunning,
    refusals,
    store,
    isDraining: () => draining,
  });
  if (inThread) {
    startup.refuse(inThreadError(name));
  } else {
    reportAtExit(target);
    if (pool.priority > 0 && process.platform === "linux") startLibuvThreads();
    scheduler.start(reports);
    const isUp = (): void => {
      write(logger, lines.up, { names: startup.names, maxThreads: pool.maxThreads });
    };
    // The failure has a line of its own.
    startup.promise.then(isUp, () => {});
    // An engine that starts threads only for work would wait for the first call. The store logs a failure, and tries again.
    if (pool.minThreads === 0) {
      takeOver().catch(() => {});
      // No thread says it before the first call, which would be accepted and lost. In a microtask, as a thread's failure comes
      // after the call of createOffloader() too.
      const { problem } = module;
      if (problem !== undefined) microtask(() => reports.unloadable(problem));
    }
  }

  const calls = new Calls({ intake, scheduler, store, refusal: inThread ? startup.refusal : undefined });
  const { offloadAfterResponse, runAfterResponse, offload, run } = calls;
  const deadLetters = new DeadLetterCalls({
    store,
    hasJournal: settings.journal !== undefined,
    admission,
    elsewhere: remote?.failures,
    handleOf: (task) => calls.handleOf(task),
  });

  function task<Name extends string>(name: Name): DispatchableTask<AnyTasks, Name> {
    return {
      name,
      dispatchAfterResponse: (res, ...args) => offloadAfterResponse(res, name, ...args),
      dispatch: (...args) => offload(name, ...args),
      run: (...args) => run(name, ...args),
    };
  }

  async function close(options?: CloseOptions): Promise<CloseReport> {
    const report = await closeTarget(target, options);
    // Not in a shutdown: a program that still awaits ready() at its top level would end before the hooks have run.
    startup.giveUp(new OffloadError("AR_SHUTTING_DOWN", "the offloader was closed before it was ready"));
    return report;
  }

  const afterEach = new AfterEach((response, run) => void runAfterResponse(response, run), logger);

  const offloader: Offloader = {
    offloadAfterResponse,
    runAfterResponse,
    afterEachResponse: (callback) => afterEach.response(callback),
    afterEachContext: (callback) => afterEach.context(callback),
    offload,
    run,
    task,
    ready() {
      if (!inThread) tasksEngine.prepare();
      return startup.promise;
    },
    pause(name) {
      definitions.checkPaused("pause", name);
      scheduler.pauses.pause(name);
    },
    resume(name) {
      definitions.checkPaused("resume", name);
      scheduler.pauses.resume(name);
    },
    deadLetters,
    ...inspection,
    stats: () => ({ ...inspection.stats(), ...(remote && { engine: remote.state() }) }),
    name,
    find(id) {
      const found = inspection.find(id);
      return found && calls.handleOf(found);
    },
    cancel: calls.cancel,
    renewThreads: () => threads.pool.renew(),
    on: (name, listener) => events.on(name, listener),
    idle: () => ledger.idle(),
    async drain(options = {}) {
      checkOptions("drain", options, { timeout: milliseconds() });
      // The journal goes on to bring tasks back, because the process goes on.
      scheduler.pauses.resumeAll();
      drains++;
      emitDraining();
      remote?.rest(true);
      const drained = await inTime(ledger.idle(), options.timeout);
      drains--;
      held.calm();
      remote?.rest(false);
      return { drained, unfinished: target.unfinished() };
    },
    close,
    shutdownOnSignals: (servers, options) =>
      inThread ? shutdownInThread(inThreadError(name)) : shutdownOnSignals(target, servers, options),
    async [Symbol.asyncDispose]() {
      await close();
    },
  };
  const { abortGrace } = pool;
  const { find } = inspection;
  const drain = (): ReturnType<Inside["drain"]> => {
    const leftMs = closingLeftMs(target);
    return leftMs !== undefined || drains > 0 ? { leftMs } : undefined;
  };
  const parts = {
    find,
    drain,
    events,
    ledger,
    intake,
    startup,
    scheduler,
    reports,
    maker,
    clock,
    logger,
  };
  showInside(offloader, { copy, name, module: module.url, abortGrace, inThread, ...parts });
  return { offloader, target };
}
