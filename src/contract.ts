// The public face of an offloader: every call, its meaning, what it throws. Only types.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { EventName, Listener } from "./core/events.js";
import type { TaskHandle } from "./core/handle.js";
import type { TaskSummary } from "./core/ledger.js";
import type { Callback } from "./engine/callbacks/callbacks.js";
import type { ThreadInfo } from "./engine/threads/thread-info.js";
import type { DeadLetterQuery } from "./intake/call/dead-letters.js";
import type { CallbackOptions } from "./intake/call/dispatch-options.js";
import type { AnyTasks, DispatchArguments, TaskName, TaskPayload, TaskResult } from "./intake/call/typed.js";
import type { OffloaderSnapshot } from "./observe/snapshot.js";
import type { OffloaderStats } from "./observe/stats.js";
import type { TaskInfo, TasksQuery } from "./observe/tasks.js";
import type {
  EachContextCallback,
  EachContextMiddleware,
  EachResponseCallback,
  EachResponseMiddleware,
} from "./response/after-each.js";
import type { ResponseLike } from "./response/response-like.js";
import type { ServersArgument } from "./shutdown/http/servers.js";
import type { Shutdown, ShutdownOptions } from "./shutdown/shutdown.js";
import type { CloseOptions } from "./shutdown/steps/close.js";
import type { CloseReport } from "./shutdown/steps/report.js";
import type { DeadLetter } from "./store/store.js";

/** How `drain()` ended. */
export interface DrainReport {
  /** Whether everything accepted reached a final state in time. */
  readonly drained: boolean;
  /** The tasks and callbacks in no final state, oldest first; empty when `drained`. */
  readonly unfinished: readonly TaskSummary[];
}

/**
 * Tasks that are not run again by themselves, kept for a person to decide about: by the journal, or by the queue of the option
 * `engine`. Every call throws or rejects with AR_INVALID_OPTIONS where there is nothing that keeps them.
 */
export interface DeadLetters {
  /**
   * The dead letters of all processes that share the journal's directory, oldest first, and then those of the queue, at most 1,000.
   *
   * @param query `place`: only those of one. Default: all
   * @returns rejects with AR_ENGINE_UNAVAILABLE while the queue cannot be asked; ask for `place: "journal"` then
   */
  list(query?: DeadLetterQuery): Promise<DeadLetter[]>;
  /** Those with `place: "engine"`, which the queue keeps. */
  readonly elsewhere: {
    /**
     * Has a worker run a task again. All its attempts are allowed again.
     *
     * @returns false if the queue has no failure with this id; rejects with AR_ENGINE_UNAVAILABLE
     */
    retry(id: string): Promise<boolean>;
    /** @returns false if the queue has no failure with this id; rejects with AR_ENGINE_UNAVAILABLE */
    discard(id: string): Promise<boolean>;
  };
  /**
   * Runs a task of the journal again under its old id. All its attempts are allowed again.
   *
   * @param id of the dead letter
   * @returns the handle of the task; undefined if there is no dead letter with this id
   * @throws OffloadError AR_JOURNAL_UNAVAILABLE before `ready()` has resolved, AR_UNKNOWN_TASK, and what a dispatch call
   *   throws when it refuses a task (AR_QUEUE_FULL, AR_SHUTTING_DOWN, AR_JOURNAL_FULL). The task stays a dead letter then.
   */
  retry(id: string): TaskHandle | undefined;
  /**
   * Deletes a dead letter of the journal.
   *
   * @returns false if there is none with this id
   */
  discard(id: string): boolean;
}

/** A task as an object, for code that prefers a method to a name. Every call does what its namesake of the offloader does. */
export interface DispatchableTask<Tasks, Name extends TaskName<Tasks>> {
  /** The name in the tasks module. */
  readonly name: Name;
  /** As {@link Offloader.offloadAfterResponse} with a response. */
  dispatchAfterResponse<Given extends TaskPayload<Tasks, Name> = TaskPayload<Tasks, Name>>(
    res: ResponseLike,
    ...args: DispatchArguments<Tasks, Name, Given>
  ): TaskHandle<TaskResult<Tasks, Name>>;
  /** As {@link Offloader.offload}. */
  dispatch<Given extends TaskPayload<Tasks, Name> = TaskPayload<Tasks, Name>>(
    ...args: DispatchArguments<Tasks, Name, Given>
  ): TaskHandle<TaskResult<Tasks, Name>>;
  /** As {@link Offloader.run}. */
  run<Given extends TaskPayload<Tasks, Name> = TaskPayload<Tasks, Name>>(
    ...args: DispatchArguments<Tasks, Name, Given>
  ): Promise<TaskResult<Tasks, Name>>;
}

/**
 * What `createOffloader` returns. Every function is bound, so that it can be destructured.
 *
 * The dispatch calls return at once and accept or throw (`run` rejects): AR_UNKNOWN_TASK, AR_PAYLOAD_NOT_CLONEABLE,
 * AR_INVALID_ARGUMENT, AR_INVALID_OPTIONS, with a status of 413 AR_PAYLOAD_TOO_LARGE, and with one of 503 AR_QUEUE_FULL, AR_SHUTTING_DOWN and
 * AR_TASKS_NOT_LOADABLE. With a journal also AR_JOURNAL_FULL and AR_JOURNAL_UNAVAILABLE. What they accept reaches exactly one
 * final state, and the listeners of that state are called. The listeners of `accepted` have been called when the call returns.
 *
 * A payload whose type says that it cannot arrive, such as one with a function in it, does not compile; see `Arrives`.
 */
export interface Offloader<Tasks = AnyTasks> {
  /**
   * Runs a task on a thread once a response is over.
   *
   * @param res a response of `node:http` or `node:http2`, or an object that holds one (Fastify reply, Koa or Hono context, h3 event)
   * @param name of an exported function of the tasks module
   * @param args the payload, which is captured by value now, and the options of this call
   * @returns a handle of the task
   * @throws OffloadError, see {@link Offloader}
   */
  offloadAfterResponse<Name extends TaskName<Tasks>, Given extends TaskPayload<Tasks, Name> = TaskPayload<Tasks, Name>>(
    res: ResponseLike,
    name: Name,
    ...args: DispatchArguments<Tasks, Name, Given>
  ): TaskHandle<TaskResult<Tasks, Name>>;
  /**
   * The same for the response of the request that the calling code handles, which is found through AsyncLocalStorage.
   *
   * @throws OffloadError AR_NO_RESPONSE outside a request, see also {@link Offloader}
   */
  offloadAfterResponse<Name extends TaskName<Tasks>, Given extends TaskPayload<Tasks, Name> = TaskPayload<Tasks, Name>>(
    name: Name,
    ...args: DispatchArguments<Tasks, Name, Given>
  ): TaskHandle<TaskResult<Tasks, Name>>;
  // The first once more: the compiler explains a call that fits none by the last.
  offloadAfterResponse<Name extends TaskName<Tasks>, Given extends TaskPayload<Tasks, Name> = TaskPayload<Tasks, Name>>(
    res: ResponseLike,
    name: Name,
    ...args: DispatchArguments<Tasks, Name, Given>
  ): TaskHandle<TaskResult<Tasks, Name>>;
  /**
   * Runs a closure on the main thread once a response is over, in the async context of the call. For I/O such as a mail;
   * CPU-heavy work belongs into a task.
   *
   * @param res as for `offloadAfterResponse`; default: the response of the request that the calling code handles
   * @param callback receives `{ outcome, signal }`; may return a promise, which is awaited
   * @param options of this call
   * @returns a handle of the callback; its result is what the callback returned
   * @throws OffloadError AR_INVALID_ARGUMENT, AR_INVALID_OPTIONS, AR_NO_RESPONSE, AR_QUEUE_FULL, AR_SHUTTING_DOWN
   */
  runAfterResponse(res: ResponseLike, callback: Callback, options?: CallbackOptions): TaskHandle;
  runAfterResponse(callback: Callback, options?: CallbackOptions): TaskHandle;
  runAfterResponse(res: ResponseLike, callback: Callback, options?: CallbackOptions): TaskHandle;
  /**
   * Middleware that runs a callback after every response that passes it: for Express, Connect and NestJS, and as an
   * `onRequest` hook of Fastify. A callback that is refused, because the queue is full, is logged and the request goes on.
   *
   * @param callback receives the request, the response and its outcome
   */
  afterEachResponse<Request = IncomingMessage, Response extends ResponseLike = ServerResponse>(
    callback: EachResponseCallback<Request, Response>,
  ): EachResponseMiddleware<Request, Response>;
  /**
   * The same for Koa and for Hono on node-server, whose middleware is given a context.
   *
   * @param callback receives the context and the outcome of its response
   */
  afterEachContext<Context extends ResponseLike>(
    callback: EachContextCallback<Context>,
  ): EachContextMiddleware<Context>;
  /**
   * Runs a task as soon as a thread is free. No response is involved.
   *
   * @param name of an exported function of the tasks module
   * @param args the payload, which is captured by value now, and the options of this call
   * @throws OffloadError, see {@link Offloader}
   */
  offload<Name extends TaskName<Tasks>, Given extends TaskPayload<Tasks, Name> = TaskPayload<Tasks, Name>>(
    name: Name,
    ...args: DispatchArguments<Tasks, Name, Given>
  ): TaskHandle<TaskResult<Tasks, Name>>;
  /**
   * The same, and returns the promise of the task's result.
   *
   * @returns rejects with the task's own error, with an OffloadError that says how the task ended, and with what
   *   {@link Offloader.offload} throws
   */
  run<Name extends TaskName<Tasks>, Given extends TaskPayload<Tasks, Name> = TaskPayload<Tasks, Name>>(
    name: Name,
    ...args: DispatchArguments<Tasks, Name, Given>
  ): Promise<TaskResult<Tasks, Name>>;
  /**
   * A task as an object with `dispatchAfterResponse`, `dispatch` and `run`. The name is checked when it is dispatched.
   *
   * @param name of an exported function of the tasks module
   */
  task<Name extends TaskName<Tasks>>(name: Name): DispatchableTask<Tasks, Name>;
  /**
   * Resolves when `pool.minThreads` threads (at least one) have loaded the tasks module, and the journal was searched for tasks
   * of earlier processes. Nobody has to call it: what is dispatched before waits.
   *
   * The tasks that were found are accepted after that, some in each turn of the event loop, while there is room. `stats()` may
   * not count them yet, and a dispatch with `onDuplicate: "skip"` may not meet the key of one. `idle()` and `drain()` wait for
   * them.
   *
   * @returns rejects with the module's own error when it cannot be loaded, and with AR_SHUTTING_DOWN when the offloader is
   *   closed before it is ready
   */
  ready(): Promise<void>;
  /**
   * Starts no more tasks and callbacks until `resume()`. What runs goes on, and dispatches are accepted. A process that is
   * paused and has unfinished work stays alive.
   *
   * `drain()`, `close()` and a shutdown lift every pause, because they wait for all tasks. When `close()` or a shutdown has
   * begun, this call does nothing.
   *
   * @param name pauses only tasks and callbacks of this name. Default: all. The two kinds of pause are independent: each is
   *   lifted by its own `resume`. A name that no task has, and no callback so far, is warned of in the log
   * @throws OffloadError AR_INVALID_ARGUMENT for a name that is no string or empty
   */
  pause(name?: TaskName<Tasks>): void;
  /**
   * Undoes `pause()`, or `pause(name)`, however often it was called. What waits is started in its order.
   *
   * @param name the same as in the call of `pause`
   * @throws OffloadError AR_INVALID_ARGUMENT as `pause` does
   */
  resume(name?: TaskName<Tasks>): void;
  /**
   * Counts by state, bytes, threads, ages, and the times of waiting and running, at this moment. Cheap enough for every
   * second.
   */
  stats(): OffloaderStats;
  /** The option `name`. */
  readonly name: string;
  /**
   * The threads: what has begun on each and since when, what waits there, how busy and how large it is. A thread that is being
   * started is not among them. Callbacks are on the main thread: see `tasks({ state: "running" })`.
   */
  threads(): readonly ThreadInfo[];
  /**
   * The unfinished tasks and callbacks, oldest first. A walk over 100,000 of them takes about 1 ms, and ends as soon as all that
   * fit are found.
   *
   * @param query which ones, and how many. Default: the 100 oldest
   * @throws OffloadError AR_INVALID_OPTIONS
   */
  tasks(query?: TasksQuery): readonly TaskInfo[];
  /**
   * The handle of an unfinished task or callback, for somebody who has its id from a log line, an event or `tasks()`.
   *
   * @returns undefined where nothing unfinished has this id: it has ended, or was never accepted here
   * @throws OffloadError AR_INVALID_ARGUMENT for an id that is no string
   */
  find(id: string): TaskHandle | undefined;
  /**
   * Cancels all tasks and callbacks of a name that wait: for their response, for their turn, or for their next attempt. Those
   * that run go on. Each has its `cancelled` event.
   *
   * @param name of the tasks or callbacks
   * @param reason as for the `cancel` of a handle
   * @returns how many were cancelled
   * @throws OffloadError AR_INVALID_ARGUMENT for a name that is no string or empty
   */
  cancel(name: TaskName<Tasks>, reason?: unknown): number;
  /**
   * Replaces every thread, each after the work that it has: after a leak, or to have a native library load its files anew. A thread
   * reads the tasks module when it starts.
   *
   * @returns how many threads end for it
   */
  renewThreads(): number;
  /**
   * Everything that an exporter of metrics needs, as raw counts and histograms, by task name. `stats()` is for people. Takes
   * about 10 us for each name.
   */
  snapshot(): OffloaderSnapshot;
  /** The dead letters of the journal, and the failures that the queue of the option `engine` keeps. */
  readonly deadLetters: DeadLetters;
  /**
   * Adds a listener. It is called when the change that it hears of is complete, so it may cancel, dispatch or close. The event
   * shows the task as it was at its moment. A listener that throws or rejects is logged and changes nothing.
   *
   * @param name of the event
   * @param listener called with the event, in the order of the events
   * @returns removes the listener
   */
  on<Name extends EventName>(name: Name, listener: Listener<Name>): () => void;
  /**
   * Resolves when everything accepted has reached a final state, and nothing was accepted for two more turns of the event loop.
   * Waits for ever while something is paused. Never rejects.
   */
  idle(): Promise<void>;
  /**
   * Lifts every pause and waits as `idle()` does. Dispatches are still accepted, and nothing is aborted.
   *
   * @param options `timeout`: how long to wait, in ms. Default: no limit
   * @returns rejects with AR_INVALID_OPTIONS
   */
  drain(options?: { timeout?: number }): Promise<DrainReport>;
  /**
   * Drains, then accepts nothing more and ends the threads. What is unfinished at the deadline is aborted, and abandoned or
   * left in the journal. A further call joins the first one and can only bring the deadline forward.
   *
   * @param options `timeout`: ms for all of it, default 25,000. `onAbandoned`: called with what was abandoned
   * @throws OffloadError AR_INVALID_OPTIONS
   */
  close(options?: CloseOptions): Promise<CloseReport>;
  /**
   * Shuts the process down on SIGTERM and SIGINT: finishes the open requests, drains, exits.
   *
   * @param servers the HTTP server or servers of the process, if there are any
   * @param options signals, times, hooks; see {@link ShutdownOptions}
   * @returns begins the shutdown by itself, and has the handlers for readiness and liveness
   * @throws OffloadError AR_INVALID_OPTIONS, AR_INVALID_ARGUMENT
   */
  shutdownOnSignals(servers?: ServersArgument, options?: ShutdownOptions): Shutdown;
  /** `await using`: the same as `close()`. */
  [Symbol.asyncDispose](): Promise<void>;
}
