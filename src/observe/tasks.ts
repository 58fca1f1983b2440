// What `tasks()` returns: the unfinished tasks and callbacks that somebody asks for, oldest first.
import { checkOptions, integer, oneOf, type Rules, string } from "../base/option-rules.js";
import { since, ticks } from "../base/ticks.js";
import type { Priority, TaskKind } from "../core/definition.js";
import type { Ledger } from "../core/ledger.js";
import { restoreAnew } from "../core/payload/restore.js";
import { type UnfinishedState, unfinishedStates } from "../core/states.js";
import type { Task } from "../core/task.js";
import type { Definitions } from "../intake/definitions.js";

/** Which tasks `tasks()` lists. */
export interface TasksQuery {
  /** Only those in this state. Default: all unfinished ones. */
  readonly state?: UnfinishedState | undefined;
  /** Only those of this name. Default: all names. */
  readonly task?: string | undefined;
  /** How many at the most, from 1 to 1,000. Default 100. */
  readonly limit?: number | undefined;
}

/** An unfinished task or callback at this moment. Its payload is not shown. */
export interface TaskInfo {
  /** The id that the dispatch returned. */
  readonly id: string;
  /** The task's name; for a callback the name of its function. */
  readonly task: string;
  /** Whether it is a task or a callback. */
  readonly kind: TaskKind;
  /** Its state at this moment. */
  readonly state: UnfinishedState;
  /** How often it has been started; 0 before the first time. */
  readonly attempt: number;
  /** Its priority in the queue. */
  readonly priority: Priority;
  /** The option `key` of its dispatch. */
  readonly key?: string | undefined;
  /** The id of the task that dispatched it by `task.offload()`. */
  readonly parent?: string | undefined;
  /** How long ago it was accepted, by an earlier process perhaps, in ms. */
  readonly ageMs: number;
  /** How long it has been queued, in ms; undefined where it is not queued. */
  readonly queuedMs?: number | undefined;
  /** How long ago it was handed to its thread, in ms; undefined where it does not run. `threads()` says what has begun. */
  readonly runningMs?: number | undefined;
  /** The thread that it was handed to; 0 for the main thread. */
  readonly threadId?: number | undefined;
  /** What it gave `task.progress()` last in this attempt. */
  readonly progress?: unknown;
  /** What the `context` option returned at the call. */
  readonly context?: unknown;
}

const rules: Rules = {
  state: oneOf(...unfinishedStates),
  task: string,
  limit: integer(1, 1_000),
};

export interface TaskListParts {
  readonly ledger: Ledger;
  readonly definitions: Definitions;
}

/**
 * Walks from the oldest task on, and only until all that can be found are found: how many there are is counted already.
 *
 * @throws OffloadError AR_INVALID_OPTIONS
 */
export function listTasks({ ledger, definitions }: TaskListParts, query: TasksQuery = {}): TaskInfo[] {
  checkOptions("tasks", query, rules);
  const { state, task, limit = 100 } = query;
  const there = task === undefined ? ledger.counts.sum(state) : definitions.count(task, state);
  const fits = ({ state: its, definition }: Task): boolean =>
    (state === undefined || its === state) && (task === undefined || definition.name === task);
  return ledger.tasks.list(Math.min(limit, there), fits).map((found) => info(ledger, found));
}

function info(ledger: Ledger, task: Task): TaskInfo {
  const { id, state, attempt, parent, definition, dispatch, threadId } = task;
  const at = ticks();
  return {
    id,
    task: definition.name,
    kind: definition.kind,
    state: state as UnfinishedState,
    attempt,
    priority: dispatch.priority,
    key: dispatch.key,
    parent,
    ageMs: since(task.acceptedAt, at),
    queuedMs: state === "queued" ? since(task.queuedAt, at) : undefined,
    runningMs: state === "running" ? since(task.startedAt, at) : undefined,
    threadId: state === "running" ? threadId : undefined,
    progress: ledger.progressOf.get(task)?.value,
    context: restoreAnew(task.context),
  };
}
