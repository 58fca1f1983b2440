// What goes around each task in a thread: a context, a scope, a logger of the user's.
import type { TaskContext } from "../task-context.js";

/**
 * Is called in the place of each task.
 *
 * @param task what the task gets as its second argument: its id, name, attempt, `context` and `carrier`
 * @param run calls the task, or what was registered after this; returns what it returns
 * @returns the result of the task: mostly what `run` returned, as it is or awaited
 */
export type AroundTask = (task: TaskContext, run: () => unknown) => unknown;

// On globalThis, because the tasks may have been bundled with a copy of this file.
const registry = Symbol.for("offload-after-response.around");

/** The list that all copies of this file share. */
export function aroundAll(): readonly AroundTask[] {
  return list();
}

function list(): AroundTask[] {
  const known: unknown = Reflect.get(globalThis, registry);
  if (Array.isArray(known)) return known;
  const made: AroundTask[] = [];
  Reflect.set(globalThis, registry, made);
  return made;
}

/**
 * Registers a function that goes around every attempt of every task in this thread: for an AsyncLocalStorage, a scope of an error
 * tracker, a logger. The first one registered is the outermost. One that throws fails the attempt, as the task itself would.
 *
 * @param around is given the task and `run`; the attempt ends with what it returns
 * @returns removes it
 * @throws nothing; what `around` throws fails the attempt
 * @example
 * ```ts
 * import { AsyncLocalStorage } from "node:async_hooks";
 * import { aroundTask } from "offload-after-response/worker";
 *
 * export const current = new AsyncLocalStorage<{ id: string }>();
 * aroundTask((task, run) => current.run({ id: task.id }, run));
 * ```
 */
export function aroundTask(around: AroundTask): () => void {
  const all = list();
  // One of its own for each registration, because a function that is registered twice is removed one at a time.
  const registered: AroundTask = (task, run) => around(task, run);
  all.push(registered);
  return () => {
    const index = all.indexOf(registered);
    if (index >= 0) all.splice(index, 1);
  };
}

/** Calls the task within all that goes around it. */
export function runAround(all: readonly AroundTask[], task: TaskContext, run: () => unknown): unknown {
  const [...each] = all;
  return each.reduceRight<() => unknown>((inner, around) => () => around(task, inner), run)();
}
