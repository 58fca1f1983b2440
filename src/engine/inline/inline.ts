// Tasks on the main thread, in a later turn of the event loop: no thread, and the same rules for what arrives, what comes
// back and how it fails. For tests of a user's own program: mocks, breakpoints and coverage work in the tasks.
import type { Logger } from "../../base/logger.js";
import { type Clock, nextTurn } from "../../base/time.js";
import { captureForMoving } from "../../core/payload/capture.js";
import { restoreAnew } from "../../core/payload/restore.js";
import { toError } from "../../core/payload/thrown.js";
import { toWire } from "../../core/payload/to-wire.js";
import { LostResult } from "../../core/result.js";
import type { Task } from "../../core/task.js";
import { isRunTraced, runOf, traceRun } from "../../core/trace/trace-run.js";
import type { Engine, EngineHost } from "../engine.js";
import type { Code, Failure } from "../main-thread/code.js";
import { MainThreadEngine } from "../main-thread/main-thread-engine.js";
import { loadTasks, type TaskFunction } from "../tasks/load-tasks.js";
import { InlineContext } from "./inline-context.js";

export interface InlineOptions {
  /** URL of the tasks module. */
  readonly module: string;
  /** Tasks that run at the same time. */
  readonly concurrency: number;
  /** ms that a task may go on after its signal aborted. */
  readonly abortGrace: number;
  readonly logger: Logger;
  readonly clock?: Clock | undefined;
  /** Gets the tasks by name. Default: imports the module. */
  readonly load?: (() => Promise<ReadonlyMap<string, TaskFunction>>) | undefined;
}

export function createInlineEngine(options: InlineOptions): Engine {
  return new MainThreadEngine({ ...options, name: "inline", soon: nextTurn }, new InlineTasks(options));
}

class InlineTasks implements Code {
  ready = false;
  #tasks: ReadonlyMap<string, TaskFunction> = new Map();
  #closed = false;
  #host: EngineHost | undefined;

  constructor(private readonly options: InlineOptions) {}

  async load(host: EngineHost): Promise<void> {
    this.#host = host;
    try {
      const { load = () => loadTasks(this.options.module) } = this.options;
      this.#tasks = await load();
    } catch (error) {
      host.unloadable(toError(toWire(error)));
      return;
    }
    if (this.#closed) return;
    this.ready = true;
    host.loaded([...this.#tasks.keys()]);
    host.ready();
  }

  async call(task: Task, signal: AbortSignal): Promise<unknown> {
    const run = this.#tasks.get(task.definition.name);
    if (run === undefined) throw new TypeError(`the tasks module exports no function ${task.definition.name}`);
    // The task may end the process. By then it must be on record that the task was running.
    this.#host?.beforeDeparture();
    return callTask(run, task, new InlineContext(task, signal, this.#host, this.options.logger));
  }

  /** Takes the error apart and puts it together again, so that it is like an error that comes from a thread. */
  failureOf(thrown: unknown): Failure {
    return failureOf(thrown);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }
}

/**
 * Calls the function of a task with a copy of its payload.
 *
 * @returns what it returned, captured, or why that is lost; rejects with what it threw
 */
export async function callTask(run: TaskFunction, task: Task, context: InlineContext): Promise<unknown> {
  // Anew, because the next attempt must not find what this one changes in it.
  const payload = restoreAnew(task.payload);
  const value = await (isRunTraced()
    ? traceRun(runOf("inline", task), () => run(payload, context))
    : run(payload, context));
  try {
    return captureForMoving(value, "result");
  } catch (error) {
    return new LostResult("AR_RESULT_NOT_CLONEABLE", error instanceof Error ? error.message : String(error));
  }
}

/** What was thrown, in parts and put together again, as an error that comes from a thread. */
export function failureOf(thrown: unknown): Failure {
  const wire = toWire(thrown);
  return { error: toError(wire), retryable: wire.nonRetryable !== true };
}
