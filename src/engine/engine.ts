// The seam between the core and where tasks run. The core owns the states, the keys, the retries and the delays; an engine
// owns the order of what it was given, the limits, and the place. test/engine/conformance.ts is run against every engine.
import type { OffloadError } from "../base/errors.js";
import type { Task } from "../core/task.js";

export interface Engine {
  /** For messages: "threads", "callbacks", "inline". */
  readonly name: string;

  /** Called once, before anything else. It may begin to start what it runs on. */
  start(host: EngineHost): void;

  /** Gets ready to run a first task without delay, though none waits. `host.ready()` says when. */
  prepare(): void;

  /**
   * Takes a queued task, to be started when its turn comes: never within this call, so that the caller's move is complete
   * before the task runs.
   */
  add(task: Task): void;

  /**
   * Gives up a task that it was given and has not started. The core moves the task to another state right after this call.
   * Must be cheap however many wait: its entry may stay until its turn.
   */
  remove(task: Task): void;

  /**
   * Has a running task end for `reason`.
   *
   * @returns `unbegun`: the task was taken back before its code began, and the engine has forgotten it. `stopping`: its
   *   signal is aborted and the engine will report its end, at the latest after the grace. `ended`: it has ended, and the
   *   report is on its way or will not prevent anything.
   */
  stop(task: Task, reason: OffloadError): "unbegun" | "stopping" | "ended";

  /** Somebody asks for the result of a running task. An engine may leave large results where they are until then. */
  want(task: Task): void;

  /** Starts no more tasks, or none of this name. What runs goes on. */
  pause(task?: string): void;
  /** Undoes `pause`, for the whole engine or for one name. */
  resume(task?: string): void;

  /**
   * The last moments: no task is started from now on. Those that no code has begun are given back by
   * `host.returned()`, so that the core can decide about them.
   */
  halt(): void;

  /** Ends what it runs on, after its teardown; whatever is left after `timeout` ms is ended by force. Never rejects. */
  close(timeout: number): Promise<void>;

  /**
   * What goes on although it was to end: threads in native code, code on the main thread. Node waits for native work when it
   * exits, so the process may have to end by force. None of it may keep the event loop alive once `close()` is done.
   */
  readonly unended: number;
}

/** What an engine tells the core. Each call is a complete move: the engine's own books are in order before it. */
export interface EngineHost {
  /** The task is handed to where it runs. Called before its code can begin. */
  started(task: Task): void;
  /** A started task comes back unbegun: it is queued again and the attempt does not count. The engine keeps it. */
  returned(task: Task): void;
  /** The code of the task returned `value`. */
  succeeded(task: Task, value: unknown, runMs?: number): void;
  /** The attempt failed. The core decides whether there is another. */
  failed(task: Task, error: unknown, retryable: boolean, runMs?: number): void;
  /** The task has left for another process: it is final here. */
  handedOver(task: Task): void;
  progress(task: Task, value: unknown): void;
  /** As much as was to be started is up. */
  ready(): void;
  /** The tasks module is loaded and has tasks of these names. */
  loaded(names: readonly string[]): void;
  /** The tasks module cannot be loaded: no task can run. */
  unloadable(error: Error): void;
  /** Called before tasks that have been started leave for their thread or process. */
  beforeDeparture(): void;
  /** Makes several reports that belong together: nobody hears of one of them before the last is made. */
  together(report: () => void): void;
}
