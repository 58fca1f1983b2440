// One accepted task or callback: the record that every folder passes on. Only the ledger changes its state.

import type { OffloadError } from "../base/errors.js";
import type { TaskDefinition, TaskPolicy } from "./definition.js";
import type { TaskState } from "./states.js";

/** A promise that is made only for a task whose result somebody asks for. */
export interface Settlement {
  readonly promise: Promise<unknown>;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** What a dispatch resolves to: the policy of the task, with what the call itself said. */
export interface Dispatch extends TaskPolicy {
  readonly key?: string | undefined;
  readonly onDuplicate?: "skip" | "replace" | undefined;
}

export class Task {
  state: TaskState = "held";
  /** How often it has been started on its own account; 0 before the first time. */
  attempt = 0;
  /** Another process accepted it, and gave it its id. */
  foreign = false;
  /** To be run alone on its thread: it was running when a thread died. */
  solo = false;
  /** Why it is to end early. Once set, the task ends cancelled, timed out or abandoned, whatever it still returns. */
  abortedBy: OffloadError | undefined = undefined;
  /** The value or the error it ended with. */
  outcome: unknown = undefined;
  settlement: Settlement | undefined = undefined;
  queuedAt = 0;
  startedAt = 0;
  // Neighbours in the ledger's list of unfinished tasks.
  before: Task | undefined = undefined;
  after: Task | undefined = undefined;

  constructor(
    /** Unique in its offloader, in the order of acceptance. */
    readonly seq: number,
    /** Unique everywhere. Made from `seq` when somebody asks, for most tasks end without anyone doing so. */
    private readonly identity: TaskIdentity,
    readonly definition: TaskDefinition,
    readonly dispatch: Dispatch,
    public payload: unknown,
    /** Buffers that move to the thread with the payload. */
    public transfer: readonly unknown[] | undefined,
    readonly context: unknown,
    readonly acceptedAt: number,
  ) {}

  get id(): string {
    return this.identity(this.seq);
  }
}

/** How an offloader names its tasks. */
export type TaskIdentity = (seq: number) => string;

/** How a message names a task. */
export function name(task: Task): string {
  return `${task.definition.kind} ${task.definition.name} (${task.id})`;
}
