// The record of one accepted task or callback. Every folder passes it on; only the ledger changes its state.
import type { Deferred } from "../base/deferred.js";
import type { OffloadError } from "../base/errors.js";
import type { TaskDefinition, TaskPolicy } from "./definition.js";
import type { Captured } from "./payload/payload.js";
import type { TaskState } from "./states.js";
import type { Carrier } from "./trace/carrier.js";

/**
 * The options of one task: its policy, overridden by the options of the call. The options of `offload()` and of
 * `task.offload()`, and what a store keeps of them, are made of these by their types.
 */
export interface Dispatch extends TaskPolicy {
  /** Of the tasks of one name with the same key (at most 1,000 characters), one runs at a time; `onDuplicate` says what a second dispatch does. */
  readonly key?: string | undefined;
  /**
   * What a dispatch does when an unfinished task has its key. `"skip"` (default): nothing new is accepted, and the handle is
   * that of the first task. `"replace"`: the new task is accepted. The first one is cancelled, unless it has been started:
   * then the new one starts after its end.
   */
  readonly onDuplicate?: "skip" | "replace" | undefined;
}

/**
 * Which way a task goes. `local`: it runs in this process. `forward`: the queue of the option `engine` gets it. `delivered`: that queue
 * has given it to this process, and keeps its record, its key and its attempts. `inserted`: it is a part of the user's own transaction, and
 * that queue has it once that is committed.
 */
export type Route = "local" | "forward" | "delivered" | "inserted";

export class Task {
  state: TaskState = "held";
  /** How many attempts have begun. Starts that do not count, because the code never began, are subtracted again. */
  attempt = 0;
  /** The id from the process that accepted it; undefined where it was this one. */
  replayedId: string | undefined = undefined;
  /** The id of the task that dispatched it by `task.offload()`. A journal keeps it. */
  parent: string | undefined = undefined;
  /** What its tracers want to have at each attempt. */
  carrier: Carrier | undefined = undefined;
  route: Route = "local";
  /** What the store keeps of it while it is on record. Only the store looks at it, for which a map of all tasks takes longer. */
  record: object | undefined = undefined;
  /** Its payload is on record and takes no memory here. */
  isShed = false;
  /** It has ended here without being done, and the next process runs it. Only the store changes it. */
  isLeft = false;
  /** It must be alone on its thread, because it was running when a thread or a process died. */
  runsAlone = false;
  /** Why it was asked to stop. Once set, the task ends for this reason, whatever its code still does. */
  abortedBy: OffloadError | undefined = undefined;
  /** The value or the error with which it ended. */
  outcome: unknown = undefined;
  /** Made when somebody asks for the result. */
  result: Deferred<unknown> | undefined = undefined;
  /** The thread that the last attempt was handed to; 0: the main thread, -1: none. */
  threadId = -1;
  /** In ticks, of the last attempt. */
  queuedAt = 0;
  startedAt = 0;
  // Its neighbours in the ledger's list of unfinished tasks.
  before: Task | undefined = undefined;
  after: Task | undefined = undefined;

  constructor(
    /** Unique in its offloader, in the order of acceptance. */
    readonly seq: number,
    /** Makes the id from `seq`. Not made before somebody asks, because for most tasks nobody does. */
    private readonly identity: TaskIdentity,
    readonly definition: TaskDefinition,
    readonly dispatch: Dispatch,
    /** undefined when the task has ended. */
    public payload: Captured,
    /** What the payload holds in memory, in bytes. Only the ledger changes it. */
    public bytes: number,
    /** What the `context` option returned at the call. */
    readonly context: Captured,
    /** In ticks. For a task of an earlier process, when that one accepted it. */
    readonly acceptedAt: number,
  ) {}

  get id(): string {
    return this.replayedId ?? this.identity(this.seq);
  }
}

/** Makes the id of a task, which is unique everywhere, from its number. */
export type TaskIdentity = (seq: number) => string;

/** Whether its key is known to the queue elsewhere, for all processes, and to nobody here. */
export function hasKeyElsewhere({ route }: Task): boolean {
  return route === "delivered" || route === "inserted";
}

/** A task in a message. */
export function name(task: Task): string {
  return `${task.definition.kind} ${task.definition.name} (${task.id})`;
}
