// createOffloader: makes the parts of an offloader and connects them.
import { randomBytes } from "node:crypto";
import { describe, OffloadError } from "./base/errors.js";
import { checkOptions, milliseconds } from "./base/option-rules.js";
import { inTime } from "./base/time.js";
import type { DispatchableTask, Offloader } from "./contract.js";
import { Events } from "./core/events.js";
import { Handle, type HandleActions, type TaskHandle } from "./core/handle.js";
import { Ledger } from "./core/ledger.js";
import type { Task } from "./core/task.js";
import { createDrainTarget } from "./drain-target.js";
import { type Callback, createCallbacksEngine } from "./engine/callbacks/callbacks.js";
import { explainLoadError, findTasksModule } from "./engine/threads/module/tasks-module.js";
import { startLibuvThreads } from "./engine/threads/pool/libuv-threads.js";
import { isInOwnThread } from "./engine/threads/pool/thread-mark.js";
import { ThreadsEngine } from "./engine/threads/threads-engine.js";
import { Admission } from "./intake/admission.js";
import type { CallbackOptions, DispatchOptions } from "./intake/call/dispatch-options.js";
import type { AnyTasks } from "./intake/call/typed.js";
import { Definitions } from "./intake/definitions.js";
import { Held } from "./intake/held.js";
import { InstanceWarnings } from "./intake/instance-warnings.js";
import { Intake } from "./intake/intake.js";
import { Readiness } from "./intake/readiness.js";
import { Refusals } from "./intake/refusals.js";
import { EngineReports } from "./intake/schedule/engine-reports.js";
import { LongRunning } from "./intake/schedule/long-running.js";
import { Scheduler } from "./intake/schedule/scheduler.js";
import { TaskMaker } from "./intake/task-maker.js";
import { JournalStore } from "./journal/journal-store.js";
import { createInspection } from "./observe/inspection.js";
import { type OffloaderOptions, resolveOptions } from "./options.js";
import { AfterEach } from "./response/after-each.js";
import { currentResponse, noResponseError, trackCurrentResponse } from "./response/current.js";
import { toServerResponse } from "./response/response-like.js";
import { reportAtExit } from "./shutdown/process/exit-report.js";
import { type Shutdown, shutdownOnSignals } from "./shutdown/shutdown.js";
import { type CloseOptions, closeTarget } from "./shutdown/steps/close.js";
import type { CloseReport } from "./shutdown/steps/report.js";
import { NoStore } from "./store/no-store.js";

/**
 * Creates an offloader and starts its first threads.
 *
 * @typeParam Tasks `typeof` the tasks module, from which names, payloads and results get their types
 * @throws OffloadError AR_INVALID_OPTIONS naming the option, what was expected and what was given
 */
export function createOffloader<Tasks = AnyTasks>(options: OffloaderOptions<Tasks>): Offloader<Tasks> {
  const settings = resolveOptions(options as OffloaderOptions);
  const { logger, pool } = settings;
  const module = findTasksModule(settings.tasks, pool.execArgv);
  const idPrefix = `${randomBytes(8).toString("hex")}-`;
  const inThread = isInOwnThread();
  if (!inThread) trackCurrentResponse();

  // Each part is made after those that it knows.
  const events = new Events((err, event) => logger.error({ err, event }, "a listener failed"), settings.name);
  const ledger = new Ledger(events);
  const { max, maxBytes } = settings.queue;
  // Tasks of earlier processes take at most half of the room, so that there is room for new ones.
  const hasRoom = (): boolean => ledger.unfinished < Math.max(1, max / 2) && ledger.bytes <= maxBytes / 2;
  const store =
    settings.journal === undefined || inThread
      ? new NoStore()
      : new JournalStore(settings.journal, { logger, hasRoom });
  const threads = new ThreadsEngine({
    name: settings.name,
    options: inThread ? { ...pool, watch: false } : pool,
    module,
    idPrefix,
    events,
    logger,
  });
  const callbacks = createCallbacksEngine({
    offloader: settings.name,
    concurrency: settings.callbacks.concurrency,
    abortGrace: pool.abortGrace,
  });
  const definitions = new Definitions(settings);
  const readiness = new Readiness({
    definitions,
    explain: (reason) => explainLoadError(module, reason),
    takeOver: () => store.takeOver(intake.readmit),
  });
  const longRunning = new LongRunning({ ledger, definitions, logger, limit: settings.log.longRunning });
  const scheduler = new Scheduler({
    ledger,
    events,
    store,
    engines: { task: threads, callback: callbacks },
    longRunning,
    logger,
    logsFailures: settings.log.ended === "failed",
  });
  const admission = new Admission(ledger, settings.queue);
  const maker = new TaskMaker({
    identity: (seq) => idPrefix + seq.toString(36),
    admission,
    store,
    instances: new InstanceWarnings(logger),
  });
  const held = new Held({ scheduler, logger, maxHold: settings.queue.maxHold });
  const refusals = new Refusals(events);
  const intake = new Intake({
    name: settings.name,
    context: settings.context,
    definitions,
    readiness,
    admission,
    maker,
    scheduler,
    held,
    refusals,
  });
  const reports = new EngineReports({
    scheduler,
    ledger,
    store,
    readiness,
    longRunning,
    followUp: (followUp) => intake.followUp(followUp),
    logger,
  });
  let draining = false;
  const emitDraining = (): void => {
    held.hurry();
    if (draining) return;
    draining = true;
    events.emit("draining", { unfinished: ledger.unfinished });
  };
  const target = createDrainTarget({
    name: settings.name,
    logger,
    admission,
    engines: [threads, callbacks],
    events,
    ledger,
    scheduler,
    store,
    // Without a thread at the start, the first task loads the module: there is nothing to wait for.
    isReady: () => readiness.isLoaded || (pool.minThreads === 0 && readiness.refusal === undefined),
    emitDraining,
    timers: [held, longRunning],
  });
  const inspection = createInspection({
    name: settings.name,
    idPrefix,
    ledger,
    definitions,
    engine: threads,
    limits: settings.queue,
    maxThreads: pool.maxThreads,
    longRunning,
    refusals,
    isDraining: () => draining,
  });
  if (inThread) {
    readiness.refuse(inThreadError(settings.name));
  } else {
    reportAtExit(target);
    if (pool.priority > 0) startLibuvThreads();
    scheduler.start(reports);
    if (pool.minThreads === 0) readiness.takeOverEarly();
  }

  const actions: HandleActions = {
    cancel: (task, reason) => scheduler.cancel(task, reason),
    result: (task) => scheduler.result(task),
    durable: () => store.durable(),
  };
  const callbackActions: HandleActions = {
    ...actions,
    async durable() {
      throw new OffloadError("AR_INVALID_ARGUMENT", "a callback is never durable: a journal holds tasks alone");
    },
  };

  /** In a thread every call says so, also one that would complain of its arguments first. */
  function refuseInThread(): void {
    if (inThread && readiness.refusal !== undefined) throw readiness.refusal;
  }

  function offloadAfterResponse(...args: unknown[]): TaskHandle {
    refuseInThread();
    const named = typeof args[0] === "string";
    const response = named ? theCurrentResponse("offloadAfterResponse") : toServerResponse(args[0]);
    const first = named ? 0 : 1;
    const options = args[first + 2] as DispatchOptions | undefined;
    return new Handle(intake.task(args[first] as string, args[first + 1], options, response), actions);
  }

  function runAfterResponse(...args: unknown[]): TaskHandle {
    refuseInThread();
    const bare = typeof args[0] === "function";
    const response = bare ? theCurrentResponse("runAfterResponse") : toServerResponse(args[0]);
    const [callback, options] = (bare ? args : args.slice(1)) as [Callback, CallbackOptions?];
    return new Handle(intake.callback(callback, options, response), callbackActions);
  }

  function offload(name: string, payload?: unknown, options?: DispatchOptions): TaskHandle {
    return new Handle(intake.task(name, payload, options, undefined), actions);
  }

  function run(name: string, payload?: unknown, options?: DispatchOptions): Promise<unknown> {
    let accepted: Task;
    try {
      accepted = intake.task(name, payload, options, undefined);
    } catch (refusal) {
      // Code that awaits a result gets all errors in one place. This is not an async function, because the promise of one would
      // cause an unhandledRejection where nobody awaits a failure, which is logged anyway.
      return Promise.reject(refusal);
    }
    return scheduler.result(accepted);
  }

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
    readiness.giveUp(new OffloadError("AR_SHUTTING_DOWN", "the offloader was closed before it was ready"));
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
      if (!inThread) threads.prepare();
      return readiness.promise;
    },
    pause(name) {
      definitions.checkPaused("pause", name);
      scheduler.pauses.pause(name);
    },
    resume(name) {
      definitions.checkPaused("resume", name);
      scheduler.pauses.resume(name);
    },
    deadLetters: {
      list: async () => store.deadLetters.list(),
      retry(id) {
        admission.check([]);
        const task = store.deadLetters.retry(id);
        return task && new Handle(task, actions);
      },
      discard: (id) => store.deadLetters.discard(id),
    },
    ...inspection,
    name: settings.name,
    find(id) {
      if (typeof id !== "string") throw wrongArgument("find(id)", "the id of a task or callback", id);
      const found = inspection.find(id);
      return found && new Handle(found, found.definition.kind === "task" ? actions : callbackActions);
    },
    cancel(name, reason) {
      if (typeof name !== "string" || name === "")
        throw wrongArgument("cancel(name)", "the name of a task or callback", name);
      return scheduler.cancelWaiting(name, reason);
    },
    on: (name, listener) => events.on(name, listener),
    idle: () => ledger.idle(),
    async drain(options = {}) {
      checkOptions("drain", options, { timeout: milliseconds() });
      // The journal goes on to bring tasks back, because the process goes on.
      scheduler.pauses.resumeAll();
      emitDraining();
      const drained = await inTime(ledger.idle(), options.timeout);
      held.calm();
      return { drained, unfinished: target.unfinished() };
    },
    close,
    shutdownOnSignals: (servers, options) => (inThread ? noShutdown() : shutdownOnSignals(target, servers, options)),
    async [Symbol.asyncDispose]() {
      await close();
    },
  };
  // The compiler checks names and payloads at the call, and the intake checks them at run time.
  return offloader as unknown as Offloader<Tasks>;
}

function theCurrentResponse(call: string): NonNullable<ReturnType<typeof currentResponse>> {
  const response = currentResponse();
  if (response === undefined) throw noResponseError(call);
  return response;
}

function wrongArgument(call: string, expected: string, given: unknown): OffloadError {
  return new OffloadError("AR_INVALID_ARGUMENT", `${call}: expected ${expected}, a string, got ${describe(given)}`);
}

function inThreadError(name: string): OffloadError {
  return new OffloadError(
    "AR_IN_THREAD",
    `the offloader ${JSON.stringify(name)} was made in one of its own threads, because the tasks module (or an --import ` +
      "preload) imports the file that makes it. It has started nothing here. In a task, call task.offload(name, payload), " +
      "and move what the tasks module needs from that file to a file of its own.",
  );
}

/** What `shutdownOnSignals` returns in a thread, which gets no signals: the main thread shuts the process down. */
function noShutdown(): Shutdown {
  const never = new Promise<never>(() => {});
  const notHere: Shutdown["readiness"] = (_request, response) => void response.writeHead(503).end();
  const { signal } = new AbortController();
  return {
    close: () => never,
    state: "serving",
    readiness: notHere,
    liveness: notHere,
    uninstall() {},
    done: never,
    signal,
  };
}
