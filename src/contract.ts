// The public face of an offloader: every call, its meaning, what it throws. Types alone.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { EventName, Listener } from "./core/events.js";
import type { TaskHandle } from "./core/handle.js";
import type { TaskSummary } from "./core/ledger.js";
import type { Callback } from "./engine/callbacks/callbacks.js";
import type { CallbackOptions } from "./intake/call/dispatch-options.js";
import type { AnyTasks, DispatchArguments, TaskName, TaskPayload, TaskResult } from "./intake/call/typed.js";
import type { OffloaderStats } from "./observe/stats.js";
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

/** What `drain()` came to. */
export interface DrainReport {
  /** Whether everything accepted had reached a final state in time. */
  readonly drained: boolean;
  readonly unfinished: readonly TaskSummary[];
}

/** What became of journaled tasks that failed for good, kept for a person to look at. */
export interface DeadLetters {
  /** Those of all processes that share the directory, oldest first. */
  list(): Promise<DeadLetter[]>;
  /**
   * Runs a task again, with all its attempts before it, under its old id.
   *
   * @returns its handle; undefined if there is no dead letter of this id
   * @throws OffloadError AR_JOURNAL_UNAVAILABLE before `ready()` has resolved, AR_UNKNOWN_TASK, and what a dispatch call
   *   throws when it refuses a task (AR_QUEUE_FULL, AR_SHUTTING_DOWN, AR_JOURNAL_FULL); it is a dead letter then as before
   */
  retry(id: string): TaskHandle | undefined;
  /** Deletes one; false if there is none of this id. */
  discard(id: string): boolean;
}

/** A task as an object to be dispatched, for those who prefer it to a name. */
export interface DispatchableTask<Tasks, Name extends TaskName<Tasks>> {
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
 * AR_INVALID_ARGUMENT, AR_INVALID_OPTIONS, and with a status of 503 AR_QUEUE_FULL, AR_SHUTTING_DOWN and
 * AR_TASKS_NOT_LOADABLE. What they accept ends in exactly one final state, with an event.
 *
 * A payload whose type says that it cannot arrive, such as one with a function in it, does not compile; see `Arrives`.
 */
export interface Offloader<Tasks = AnyTasks> {
  /**
   * Runs a task on a thread once a response is over.
   *
   * @param res a response of `node:http` or `node:http2`, or what carries one (Fastify reply, Koa or Hono context)
   * @param name of an exported function of the tasks module
   * @param args the payload, captured by value now, and options
   * @throws OffloadError, see {@link Offloader}
   */
  offloadAfterResponse<Name extends TaskName<Tasks>, Given extends TaskPayload<Tasks, Name> = TaskPayload<Tasks, Name>>(
    res: ResponseLike,
    name: Name,
    ...args: DispatchArguments<Tasks, Name, Given>
  ): TaskHandle<TaskResult<Tasks, Name>>;
  /** The same for the response of the request that the calling code handles; AR_NO_RESPONSE outside a request. */
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
   * @param res as for `offloadAfterResponse`; left out: the response being handled
   * @param callback receives `{ outcome, signal }`; may return a promise
   */
  runAfterResponse(res: ResponseLike, callback: Callback, options?: CallbackOptions): TaskHandle;
  runAfterResponse(callback: Callback, options?: CallbackOptions): TaskHandle;
  runAfterResponse(res: ResponseLike, callback: Callback, options?: CallbackOptions): TaskHandle;
  /**
   * Middleware that runs a callback after every response that passes it (terminable middleware): of Express, Connect and
   * NestJS, and an `onRequest` hook of Fastify.
   */
  afterEachResponse<Request = IncomingMessage, Response extends ResponseLike = ServerResponse>(
    callback: EachResponseCallback<Request, Response>,
  ): EachResponseMiddleware<Request, Response>;
  /** The same for Koa, and for Hono on node-server, whose middleware is given a context. */
  afterEachContext<Context extends ResponseLike>(
    callback: EachContextCallback<Context>,
  ): EachContextMiddleware<Context>;
  /** Runs a task as soon as a thread is free, no response involved. */
  offload<Name extends TaskName<Tasks>, Given extends TaskPayload<Tasks, Name> = TaskPayload<Tasks, Name>>(
    name: Name,
    ...args: DispatchArguments<Tasks, Name, Given>
  ): TaskHandle<TaskResult<Tasks, Name>>;
  /** The same, returning the promise of the result. It rejects with the task's own error, or an OffloadError; also for what the other calls throw. */
  run<Name extends TaskName<Tasks>, Given extends TaskPayload<Tasks, Name> = TaskPayload<Tasks, Name>>(
    name: Name,
    ...args: DispatchArguments<Tasks, Name, Given>
  ): Promise<TaskResult<Tasks, Name>>;
  /** A task as an object with `dispatchAfterResponse`, `dispatch` and `run`. */
  task<Name extends TaskName<Tasks>>(name: Name): DispatchableTask<Tasks, Name>;
  /** Resolves when `pool.minThreads` threads (at least one) have loaded the tasks module; rejects with the module's own error. */
  ready(): Promise<void>;
  /**
   * Starts no more tasks and callbacks, or none of this name, until `resume`. What runs goes on, and dispatches are accepted.
   * A paused process with unfinished work stays alive. A drain lifts every pause.
   */
  pause(name?: TaskName<Tasks>): void;
  /** Undoes `pause()`, or `pause(name)`. */
  resume(name?: TaskName<Tasks>): void;
  stats(): OffloaderStats;
  /** Tasks of the journal that failed for good; AR_INVALID_OPTIONS without the option `journal`. */
  readonly deadLetters: DeadLetters;
  /** Adds a listener; returns what removes it. A listener that throws is logged and changes nothing. */
  on<Name extends EventName>(name: Name, listener: Listener<Name>): () => void;
  /** Resolves when everything accepted has reached a final state and that holds for a moment. */
  idle(): Promise<void>;
  /** Waits as `idle()` does, `timeout` ms at the longest (default: no limit). Admission stays open; nothing is aborted. */
  drain(options?: { timeout?: number }): Promise<DrainReport>;
  /** Drains, closes admission, ends the threads; at the deadline what is unfinished is aborted and abandoned. */
  close(options?: CloseOptions): Promise<CloseReport>;
  /** Shuts the process down on SIGTERM and SIGINT: serves the open requests, drains, exits. */
  shutdownOnSignals(servers?: ServersArgument, options?: ShutdownOptions): Shutdown;
  [Symbol.asyncDispose](): Promise<void>;
}
