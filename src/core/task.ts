// One accepted task or callback: the record that every folder passes on. Only the ledger changes its state.
import type { Deferred } from "../base/deferred.js";
import type { OffloadError } from "../base/errors.js";
import type { TaskDefinition, TaskPolicy } from "./definition.js";
import type { Captured } from "./payload/payload.js";
import type { TaskState } from "./states.js";

/** What a dispatch resolves to: the policy of the task, overridden by the options of the call. */
export interface Dispatch extends TaskPolicy {
  readonly key?: string | undefined;
  readonly onDuplicate?: "skip" | "replace" | undefined;
}

export class Task {
  state: TaskState = "held";
  /** How often it has been started on its own account; 0 before the first time. */
  attempt = 0;
  /** Another process accepted it and gave it its id; undefined: the id is made from `seq`. */
  replayedId: string | undefined = undefined;
  /** To be run alone on its thread, because it was running when a thread or a process died. */
  runsAlone = false;
  /** Why it is to end early. Once set, the task ends cancelled, timed out or abandoned, whatever its code still does. */
  abortedBy: OffloadError | undefined = undefined;
  /** The value or the error it ended with. */
  outcome: unknown = undefined;
  /** Made when somebody asks for the result. */
  result: Deferred<unknown> | undefined = undefined;
  queuedAt = 0;
  startedAt = 0;
  // Neighbours in the ledger's list of unfinished tasks.
  before: Task | undefined = undefined;
  after: Task | undefined = undefined;

  constructor(
    /** Unique in its offloader, in the order of acceptance. */
    readonly seq: number,
    /** Makes the id from `seq` when somebody asks for it, because most tasks end without anyone asking. */
    private readonly identity: TaskIdentity,
    readonly definition: TaskDefinition,
    readonly dispatch: Dispatch,
    /** undefined once the task has ended or its payload has moved to its thread for good. */
    public payload: Captured,
    /** What the payload holds in memory, in bytes. */
    readonly bytes: number,
    /** What the `context` option returned at the call. */
    readonly context: Captured,
    /** In ticks; of a task of an earlier process as long ago as it was accepted there. */
    readonly acceptedAt: number,
  ) {}

  get id(): string {
    return this.replayedId ?? this.identity(this.seq);
  }
}

/** How an offloader names its tasks: unique everywhere. */
export type TaskIdentity = (seq: number) => string;

/** How a message names a task. */
export function name(task: Task): string {
  return `${task.definition.kind} ${task.definition.name} (${task.id})`;
}
