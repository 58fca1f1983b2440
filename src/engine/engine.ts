// The seam between the core and where tasks run. The core owns the states, the keys, the retries and the delays; an engine
// owns the order of what it was given, the limits, and the place. test/engine/conformance.ts is run against every engine.
import type { OffloadError } from "../base/errors.js";
import type { FollowUp } from "../core/follow-up.js";
import type { Task } from "../core/task.js";

export interface Engine {
  /** For messages: "threads", "callbacks", "inline". */
  readonly name: string;

  /** Called once, before anything else. It may begin to start what it runs on. */
  start(host: EngineHost): void;

  /** Gets ready to run a first task without delay, although none waits. `host.ready()` says when. */
  prepare(): void;

  /**
   * Takes a queued task, to be started when its turn comes: never within this call, so that the caller's move is complete
   * before the task runs.
   */
  add(task: Task): void;

  /**
   * Gives up a task that it was given and has not started. The core moves the task to another state right after this call.
   * Must be cheap however many wait: the entry in the queue may stay until its turn.
   */
  remove(task: Task): void;

  /**
   * Has a running task end for `reason`, which the engine sets as `task.abortedBy` where it answers `stopping`.
   *
   * @returns `unbegun`: its code has not begun and will not. The engine has forgotten it, and the core moves it to another
   *   state right after this call. `stopping`: its signal is aborted, or only another attempt is prevented. The engine will
   *   report its end; code that goes on past the grace is ended by force or given up. `ended`: its code has ended, or stops
   *   already, and the reason changes nothing.
   */
  stop(task: Task, reason: OffloadError): "unbegun" | "stopping" | "ended";

  /**
   * Asked when an attempt of a task failed and another one is to follow. An engine that keeps the task elsewhere until then has it
   * final by `host.handedOver()` before it returns.
   *
   * @param error may be a LazyError
   * @returns whether it does; without this method the core waits
   */
  delay?(task: Task, delayMs: number, error: unknown): boolean;

  /** A task is final, for whatever reason. Called for every task of the kind that the engine has, given to it or not. */
  ended?(task: Task): void;

  /** Somebody asks for the result of a running task. An engine may leave large results where they are until then. */
  want(task: Task): void;

  /** Begins no more tasks, or none of this name. What runs goes on; what was started and has not begun may come back. */
  pause(task?: string): void;
  /** Undoes `pause`, for the whole engine or for one name. */
  resume(task?: string): void;

  /** The last drain has begun: nothing is taken from elsewhere any more. */
  drain?(): void;

  /**
   * The last moments: no task is started from now on. Those that no code has begun are given back by
   * `host.returned()`, so that the core can decide about them.
   */
  halt(): void;

  /** Ends what it runs on, after its teardown; whatever is left after `timeout` ms is ended by force. Never rejects. */
  close(timeout: number): Promise<void>;

  /**
   * What an exit may have to wait for: threads that were to end and have not, and code on the main thread. Node waits for native
   * work when it exits, so the process may have to end by force. After `close()` it is what goes on although it was to end, and
   * none of that may keep the event loop alive. A thread that is about to end counts too, because nobody knows whether it is.
   */
  readonly unended: number;
}

/**
 * What an engine reports to the core. The listeners of a report's events may call the engine before the report returns, so an
 * engine brings its own records in order before each report. Reports about a task that is final change nothing.
 */
export interface EngineHost {
  /**
   * The task is handed to where it runs. Called before its code can begin.
   *
   * @param threadId of the thread that it is handed to. Default 0: the main thread
   * @param at in ticks. Default now
   */
  started(task: Task, threadId?: number, at?: number): void;
  /** A started task comes back unbegun: it is queued again and the attempt does not count. The engine keeps it. */
  returned(task: Task): void;
  /** The code of the task returned `value`. */
  succeeded(task: Task, value: unknown, runMs?: number): void;
  /** The attempt failed. The core decides whether there is another. */
  failed(task: Task, error: unknown, retryable: boolean, runMs?: number): void;
  /** The payload of a queued task is on record, and the engine reads it from there: it takes no memory any more. */
  shed(task: Task): void;
  /** The task has left for another process: it is final here. */
  handedOver(task: Task): void;
  progress(task: Task, value: unknown): void;
  /**
   * A task dispatches another.
   *
   * @returns the id of the accepted one
   * @throws the refusal of the dispatch
   */
  offload(followUp: FollowUp): string;
  /** Everything that was to be started is up. */
  ready(): void;
  /** The tasks module is loaded and has tasks of these names. */
  loaded(names: readonly string[]): void;
  /** The tasks module cannot be loaded: no task can run. */
  unloadable(error: Error): void;
  /** Called before tasks that have been started leave for their thread or process. */
  beforeDeparture(): void;
  /** Makes several reports that belong together: their events are delivered after the last of them. */
  together(report: () => void): void;
}
