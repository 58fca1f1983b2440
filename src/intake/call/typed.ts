// How the types of the user's tasks module reach each call. No code: types alone.
import type { Arrives } from "./arrives.js";
import type { DispatchOptions } from "./dispatch-options.js";

/** What `createOffloader` assumes without a type argument: any name, any payload. */
export type AnyTasks = Record<string, (payload?: unknown) => unknown>;

type AnyFunction = (...args: never[]) => unknown;

/** The names of the exported functions of a tasks module. */
export type TaskName<Tasks> = Exclude<
  { [Name in keyof Tasks]: Tasks[Name] extends AnyFunction ? Name : never }[keyof Tasks] & string,
  "default"
>;

type Arguments<Tasks, Name extends keyof Tasks> = Tasks[Name] extends (...args: infer Args) => unknown ? Args : never;

/** What a task takes: the type of its first parameter, undefined where it has none. */
export type TaskPayload<Tasks, Name extends keyof Tasks> =
  Arguments<Tasks, Name> extends readonly [] ? undefined : Arguments<Tasks, Name>[0];

/** What `run()` and `handle.result()` resolve to. */
export type TaskResult<Tasks, Name extends keyof Tasks> = Tasks[Name] extends (...args: never[]) => infer Returned
  ? Awaited<Returned>
  : never;

/**
 * Payload and options of a dispatch; the payload may be left out where the task takes none or may do without.
 *
 * @typeParam Given the type of the payload as it is passed; see `Arrives`
 */
export type DispatchArguments<Tasks, Name extends keyof Tasks, Given = TaskPayload<Tasks, Name>> =
  undefined extends TaskPayload<Tasks, Name>
    ? [payload?: Arrives<Given, TaskPayload<Tasks, Name>>, options?: DispatchOptions]
    : [payload: Arrives<Given, TaskPayload<Tasks, Name>>, options?: DispatchOptions];
