// What was offloaded, as a test sees it, and how a test says which payloads it means. Only types.
import type { TaskState } from "../core/states.js";
import type { DispatchOptions } from "../intake/call/dispatch-options.js";
import type { AnyTasks, TaskName, TaskPayload, TaskResult } from "../intake/call/typed.js";
import type { Operation } from "../intake/intake.js";

/** A matcher of a test runner: `expect.any(String)` of vitest and jest, or a matcher of sinon. */
export type Matcher = { asymmetricMatch(actual: unknown): boolean } | { test(actual: string): boolean };

/** A value of which every part may be left out, or be a matcher. Arrays keep their length. */
export type PartialDeep<Value> = Value extends string | number | boolean | bigint | null | undefined
  ? Value
  : Value extends readonly (infer Item)[]
    ? readonly (PartialDeep<Item> | Matcher)[]
    : Value extends object
      ? { readonly [Key in keyof Value]?: PartialDeep<Value[Key]> | Matcher }
      : Value;

/**
 * Which payloads are meant: those that have at least these parts, those that a function says yes to, or those that a matcher
 * accepts. Left out: all.
 */
export type Match<Payload> = PartialDeep<Payload> | ((payload: Payload) => boolean) | Matcher;

/** A task that was offloaded, as it was at the moment of the question. */
export interface OffloadedTask<Tasks = AnyTasks, Name extends TaskName<Tasks> = TaskName<Tasks>> {
  /** The id that the dispatch returned. */
  readonly id: string;
  /** Its name. */
  readonly task: Name;
  /** A copy of what was captured at the call. */
  readonly payload: TaskPayload<Tasks, Name>;
  /** The call that offloaded it. */
  readonly operation: Operation;
  /** The options of the call over those of its policy and the defaults; without `transfer` and `signal`. */
  readonly options: Omit<DispatchOptions, "transfer" | "signal">;
  /** What the option `context` returned at the call. */
  readonly context: unknown;
  /** The id of the task that offloaded it by `task.offload()`. */
  readonly parent: string | undefined;
  /** Its state at the moment of the question. */
  readonly state: TaskState;
  /** How often it has been started. */
  readonly attempt: number;
  /** What it returned, if it succeeded. */
  readonly result: TaskResult<Tasks, Name> | undefined;
  /** Why it ended otherwise. */
  readonly error: unknown;
}

/** A callback of `runAfterResponse`, as it was at the moment of the question. */
export interface OffloadedCallback {
  /** The id that the dispatch returned. */
  readonly id: string;
  /** The name of its function; "callback" for one without a name. */
  readonly callback: string;
  /** Its state at the moment of the question. */
  readonly state: TaskState;
  /** How often it has been started. */
  readonly attempt: number;
  /** What the option `context` returned at the call. */
  readonly context: unknown;
  /** Why it ended otherwise than by success. */
  readonly error: unknown;
}
