// createOffloader: the parts, wired.
import { randomBytes } from "node:crypto";
import { OffloadError } from "./base/errors.js";
import { checkOptions, milliseconds } from "./base/option-rules.js";
import type { DispatchableTask, Offloader } from "./contract.js";
import { Events } from "./core/events.js";
import { Handle, type HandleActions, type TaskHandle } from "./core/handle.js";
import { Ledger } from "./core/ledger.js";
import type { Task } from "./core/task.js";
import { createDrainTarget } from "./drain-target.js";
import { type Callback, Callbacks } from "./engine/callbacks/callbacks.js";
import { Inbox } from "./engine/threads/inbox.js";
import { startLibuvThreads } from "./engine/threads/pool/libuv-threads.js";
import { explainLoadError, findTasksModule } from "./engine/threads/pool/tasks-module.js";
import { Crew } from "./engine/threads/pool/thread-pool.js";
import { Pool } from "./engine/threads/pool.js";
import { TaskQueue } from "./engine/threads/queue/task-queue.js";
import { Admission } from "./intake/admission.js";
import { Definitions } from "./intake/definitions.js";
import type { CallbackOptions, DispatchOptions } from "./intake/dispatch-options.js";
import { Dispatcher } from "./intake/dispatcher.js";
import type { AnyTasks } from "./intake/typed.js";
import { JournalStore } from "./journal/journal-store.js";
import { type OffloaderOptions, resolveOptions } from "./options.js";
import { Readiness } from "./readiness.js";
import { AfterEach } from "./response/after-each.js";
import { currentResponse, noResponseError, trackCurrentResponse } from "./response/current.js";
import { toServerResponse } from "./response/response-like.js";
import { reportAtExit } from "./shutdown/process/exit-report.js";
import { shutdownOnSignals } from "./shutdown/shutdown.js";
import { type CloseOptions, closeTarget } from "./shutdown/steps/close.js";
import type { CloseReport } from "./shutdown/steps/report.js";
import { Throughput, takeStats } from "./stats.js";
import { NoStore } from "./store/no-store.js";
import type { Store } from "./store/store.js";

/**
 * Creates an offloader and starts its first threads.
 *
 * @typeParam Tasks `typeof` the tasks module, from which names, payloads and results get their types
 * @throws OffloadError AR_INVALID_OPTIONS naming the option, what was expected and what was given
 */
export function createOffloader<Tasks = AnyTasks>(options: OffloaderOptions<Tasks>): Offloader<Tasks> {
  const settings = resolveOptions(options as OffloaderOptions);
  const { logger, pool: poolOptions } = settings;
  const module = findTasksModule(settings.tasks, poolOptions.execArgv);
  const idPrefix = `${randomBytes(8).toString("hex")}-`;
  trackCurrentResponse();

  // From the records outwards: each part is made after those it knows.
  const events = new Events((err, event) => logger.error({ err, event }, "a listener failed"));
  const ledger = new Ledger(events, logger);
  const admission = new Admission(ledger, settings.queue.max);
  const definitions = new Definitions(settings);
  const readiness = new Readiness();
  const callbacks = new Callbacks(ledger, settings.callbacks.concurrency, poolOptions.abortGrace);
  const queue = new TaskQueue(ledger, () => pool.wake());
  // Tasks of earlier processes wait while so many are unfinished: new work must find room.
  const room = Math.max(1, settings.queue.max / 2);
  const hasRoom = () => ledger.unfinished < room;
  const store: Store = settings.journal ? new JournalStore(settings.journal, { logger, hasRoom }) : new NoStore();
  if (store.keeps) ledger.onTransition((task, from) => store.moved(task, from));
  const crew: Crew = new Crew(
    { options: poolOptions, module, idPrefix, events, logger },
    {
      onStarted(names) {
        readiness.recover();
        definitions.learn(names);
        for (const task of ledger.list()) {
          const error = definitions.errorOf(task.definition);
          if (error !== undefined) dispatcher.fail(task, error);
        }
      },
      onMustered() {
        if (!store.keeps) readiness.succeed();
        else store.takeOver((...stored) => dispatcher.readmit(...stored)).then(readiness.succeed, readiness.refuse);
      },
      onChange: () => pool.wake(),
      onUnloadable(reason) {
        const refusal = readiness.fail(explainLoadError(module, reason));
        for (const task of ledger.list()) if (task.definition.kind === "task") dispatcher.fail(task, refusal);
      },
      onMessage: (thread, message) => pool.receive(thread, message),
      onDied: (thread) => pool.died(thread),
    },
  );
  // A task may kill the process the moment it arrives: by then it is on record that it was running.
  const beforeSend = store.keeps ? () => store.flush() : undefined;
  const inbox = new Inbox(ledger, logger);
  const pool = new Pool({ options: poolOptions, queue, ledger, crew, inbox, beforeSend });
  const dispatcher = new Dispatcher({
    identity: (seq) => idPrefix + seq.toString(36),
    context: settings.context,
    refusal: () => readiness.refusal,
    definitions,
    admission,
    ledger,
    queue,
    pool,
    callbacks,
    store,
  });
  let announced = false;
  const announce = () => {
    if (announced) return;
    announced = true;
    events.emit("draining", { unfinished: ledger.unfinished });
  };
  const target = createDrainTarget({
    announce,
    name: settings.name,
    logger,
    admission,
    callbacks,
    crew,
    dispatcher,
    events,
    ledger,
    pool,
    store,
  });
  const throughput = new Throughput();
  reportAtExit(target);
  if (poolOptions.priority > 0) startLibuvThreads();
  crew.muster();

  const actions: HandleActions = {
    cancel: (task, reason) => dispatcher.cancel(task, reason),
    result(task) {
      const result = ledger.result(task);
      if (task.state === "running") pool.want(task);
      return result;
    },
    async durable(task) {
      if (task.definition.kind === "callback") {
        throw new OffloadError("AR_INVALID_ARGUMENT", "a callback is never durable: a journal holds tasks alone");
      }
      await store.durable();
    },
  };

  function offloadAfterResponse(...args: unknown[]): TaskHandle {
    const named = typeof args[0] === "string";
    const response = named ? theCurrentResponse("offloadAfterResponse") : toServerResponse(args[0]);
    const first = named ? 0 : 1;
    const options = args[first + 2] as DispatchOptions | undefined;
    return new Handle(dispatcher.task(args[first] as string, args[first + 1], options, response), actions);
  }

  function runAfterResponse(...args: unknown[]): TaskHandle {
    const bare = typeof args[0] === "function";
    const response = bare ? theCurrentResponse("runAfterResponse") : toServerResponse(args[0]);
    const [callback, options] = (bare ? args : args.slice(1)) as [Callback, CallbackOptions?];
    return new Handle(dispatcher.callback(callback, options, response), actions);
  }

  function offload(name: string, payload?: unknown, options?: DispatchOptions): TaskHandle {
    return new Handle(dispatcher.task(name, payload, options, undefined), actions);
  }

  function run(name: string, payload?: unknown, options?: DispatchOptions): Promise<unknown> {
    let accepted: Task;
    try {
      accepted = dispatcher.task(name, payload, options, undefined);
    } catch (refusal) {
      // Whoever awaits a result has one place for errors. Not an async function: its promise would be another than that of
      // the result, and a failure that nobody awaits, which is logged, would be an unhandledRejection as well.
      return Promise.reject(refusal);
    }
    return actions.result(accepted);
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
    // Here alone: when a signal ends the process, a program that still awaits ready() at its top level must not die of it
    // before the hooks have run.
    readiness.refuse(new OffloadError("AR_SHUTTING_DOWN", "the offloader was closed before it was ready"));
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
      crew.muster(1);
      return readiness.promise;
    },
    deadLetters: {
      list: () => store.deadLetters.list(),
      retry(id) {
        if (store.keeps) admission.check(0);
        const task = store.deadLetters.retry(id);
        return task && new Handle(task, actions);
      },
      discard: (id) => store.deadLetters.discard(id),
    },
    stats: () => takeStats({ ledger, definitions, crew, throughput, max: settings.queue.max }),
    on: (name, listener) => events.on(name, listener),
    idle: () => ledger.settled(),
    async drain(options = {}) {
      checkOptions("drain", options, { timeout: milliseconds() });
      // The journal goes on to bring tasks back, for the process goes on.
      announce();
      const drained = await within(ledger.settled(), options.timeout);
      return { drained, unfinished: target.unfinished() };
    },
    close,
    shutdownOnSignals: (servers, options) => shutdownOnSignals(target, servers, options),
    async [Symbol.asyncDispose]() {
      await close();
    },
  };
  // Names and payloads are checked by the compiler at the call and by the dispatcher at run time; in between they are any.
  return offloader as unknown as Offloader<Tasks>;
}

function theCurrentResponse(call: string): NonNullable<ReturnType<typeof currentResponse>> {
  const response = currentResponse();
  if (response === undefined) throw noResponseError(call);
  return response;
}

/** Whether `work` was done within `ms`; without `ms`, whenever it is. */
async function within(work: Promise<void>, ms: number | undefined): Promise<boolean> {
  if (ms === undefined) {
    await work;
    return true;
  }
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const done = await Promise.race([work.then(() => true), late]);
  clearTimeout(timer);
  return done;
}
