// From a call to an accepted task, and from its response's end to the queue. What cannot be accepted throws here, at the call.
import { AsyncResource } from "node:async_hooks";
import { describe, OffloadError } from "../base/errors.js";
import { ticks } from "../base/ticks.js";
import { cancelledError } from "../core/attempts.js";
import type { TaskDefinition } from "../core/definition.js";
import type { Ledger } from "../core/ledger.js";
import type { ResponseOutcome } from "../core/outcome.js";
import { capture, captureWhole, copy, refuseToMoveAgain } from "../core/payload/capture.js";
import { isBytes } from "../core/payload/payload.js";
import { restore } from "../core/payload/restore.js";
import { isFinal } from "../core/states.js";
import { type Dispatch, name, Task, type TaskIdentity } from "../core/task.js";
import type { Callback, CallbackPayload, Callbacks } from "../engine/callbacks/callbacks.js";
import type { Pool } from "../engine/threads/pool.js";
import type { TaskQueue } from "../engine/threads/queue/task-queue.js";
import type { ReplayedTask } from "../journal/dead-letters/dead-letter-box.js";
import type { Journaling } from "../journal/journaling.js";
import { whenOver } from "../response/over.js";
import { runIfAllows } from "../response/run-if.js";
import { AcceptanceOrder } from "./acceptance-order.js";
import type { Admission } from "./admission.js";
import type { Definitions } from "./definitions.js";
import { type CallbackOptions, type DispatchOptions, resolveCallback, resolveDispatch } from "./dispatch-options.js";
import { Signals } from "./signals.js";

/** A response to wait for: what the user gave, or the one being handled; undefined: none, run soon. */
type Response = Parameters<typeof whenOver>[0];

export interface DispatcherParts {
  readonly identity: TaskIdentity;
  readonly context: (() => unknown) | undefined;
  readonly definitions: Definitions;
  readonly admission: Admission;
  readonly ledger: Ledger;
  readonly queue: TaskQueue;
  readonly pool: Pool;
  readonly callbacks: Callbacks;
  readonly journaling: Journaling | undefined;
  /** The error of every dispatch once the tasks module is known not to load. */
  refusal(): OffloadError | undefined;
}

const tookItsPlace = "a later dispatch with the same key took its place";
const none: readonly Task[] = [];

export class Dispatcher {
  #seq = 0;
  readonly #order = new AcceptanceOrder();
  readonly #parts: DispatcherParts;
  readonly #signals = new Signals((task, reason) => void this.cancel(task, reason));

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
    parts.ledger.onEnd((task) => this.#signals.forget(task));
  }

  /** Accepts a task, to be queued once its response is over, or at once where there is none. */
  task(taskName: string, payload: unknown, options: DispatchOptions | undefined, response: Response | undefined): Task {
    const { definitions, admission, queue } = this.#parts;
    const refusal = this.#parts.refusal();
    if (refusal !== undefined) throw refusal;
    const definition = definitions.task(taskName);
    const dispatch = resolveDispatch(`options of ${taskName}`, definition.policy, options);
    // Before the key is looked up, for this function of the user's may dispatch too.
    const context = this.#context();
    const twin = dispatch.key === undefined ? undefined : queue.keys.find(taskName, dispatch.key);
    if (twin !== undefined && dispatch.onDuplicate !== "replace" && !isBeingCancelled(twin)) return twin;
    const replaced =
      twin === undefined ? none : this.#line(taskName, dispatch).filter(({ state }) => state !== "running");
    admission.check(replaced.length);
    // All that can throw comes before anything changes.
    const moves = options?.transfer !== undefined;
    if (moves) refuseToMoveAgain(options.transfer, dispatch.attempts);
    const task = this.#make(definition, dispatch, moves ? undefined : copy(payload), context);
    if (moves) this.#captureMoving(task, payload, options);
    else this.#parts.journaling?.record(task, options);
    if (dispatch.key !== undefined) queue.keys.claim(task, dispatch.key);
    this.#accept(task, options?.signal);
    // Not before this one is accepted, for a listener of the other's end may cancel or replace this one.
    for (const other of replaced) this.cancel(other, tookItsPlace);
    if (response !== undefined) this.#hold(task, response, () => queue.add(task));
    else if (task.state === "held") queue.add(task);
    return task;
  }

  /**
   * Accepts a task that an earlier process had accepted: it keeps its id and its attempts, and is queued at once.
   *
   * @param onMade is given the task before anybody else hears of it
   * @throws OffloadError AR_UNKNOWN_TASK, AR_INVALID_OPTIONS: nothing was accepted
   */
  readmit(replayed: ReplayedTask, onMade: (task: Task) => void): Task {
    const { definitions, ledger, queue } = this.#parts;
    const { id, task: taskName, payload, context } = replayed;
    const definition = definitions.task(taskName);
    const options = (replayed.dispatch ?? undefined) as DispatchOptions | undefined;
    const dispatch = resolveDispatch(`journaled options of ${taskName}`, definition.policy, options);
    const task = new Task(this.#seq++, () => id, definition, dispatch, payload, undefined, context, ticks());
    task.foreign = true;
    task.attempt = replayed.attempt;
    // It ran when its process died, perhaps of it.
    task.solo = replayed.interrupted > 0;
    onMade(task);
    if (dispatch.key !== undefined) queue.keys.claim(task, dispatch.key);
    ledger.accept(task);
    // A listener of its event may have cancelled it.
    if (task.state === "held" && dispatch.key !== undefined) {
      const others = this.#line(taskName, dispatch).filter((other) => other !== task);
      for (const earlier of this.#order.cameBack(task, replayed, others)) this.cancel(earlier, tookItsPlace);
    }
    if (task.state === "held") queue.add(task);
    return task;
  }

  /** Accepts a callback, to be run once the response is over. */
  callback(callback: Callback, options: CallbackOptions | undefined, response: Response): Task {
    if (typeof callback !== "function") {
      throw new OffloadError(
        "AR_INVALID_ARGUMENT",
        `runAfterResponse: expected a callback function, got ${describe(callback)}`,
      );
    }
    const { definitions, admission } = this.#parts;
    const definition = definitions.callback(callback.name);
    const dispatch = resolveCallback(definition.policy, options);
    admission.check(0);
    const payload: CallbackPayload = { callback: inThisContext(callback), outcome: undefined };
    const task = this.#make(definition, dispatch, payload, this.#context());
    this.#accept(task, options?.signal);
    this.#hold(task, response, (outcome) => {
      payload.outcome = outcome;
      this.#parts.callbacks.add(task);
    });
    return task;
  }

  /** Cancels a task in whatever state it is; false when it has ended. */
  cancel(task: Task, reason: unknown): boolean {
    if (isFinal(task.state)) return false;
    const error = cancelledError(name(task), reason);
    if (task.state === "running") return this.#stop(task, error);
    this.withdraw(task, () => this.#parts.ledger.cancelled(task, error));
    return true;
  }

  /** Fails a task that has not begun; one that runs goes on. */
  fail(task: Task, error: unknown): void {
    if (task.state !== "running") this.withdraw(task, () => this.#parts.ledger.failed(task, error));
  }

  /** The unfinished tasks with the key of a dispatch, the last one first. */
  #line(taskName: string, { key }: Dispatch): readonly Task[] {
    return key === undefined ? none : this.#parts.queue.keys.line(taskName, key);
  }

  #make(definition: TaskDefinition, dispatch: Dispatch, payload: unknown, context: unknown): Task {
    return new Task(this.#seq++, this.#parts.identity, definition, dispatch, payload, undefined, context, ticks());
  }

  /** Gives the task its payload, parts of which move. The caller keeps them when the journal refuses the task. */
  #captureMoving(task: Task, payload: unknown, options: DispatchOptions): void {
    const { journaling } = this.#parts;
    try {
      if (journaling !== undefined) {
        task.payload = restore(captureWhole(payload, "payload", options.transfer));
        journaling.record(task, options);
      }
      const moving = capture(payload, "payload", { transfer: options.transfer });
      task.payload = restore(moving);
      task.transfer = isBytes(moving) ? moving.moved : undefined;
    } catch (error) {
      // The task may be on record: what is in the list, such as one buffer twice, is known to be movable once it has moved.
      journaling?.forget(task);
      throw error;
    }
  }

  #accept(task: Task, signal: AbortSignal | undefined): void {
    this.#parts.ledger.accept(task);
    // A listener of its event may have cancelled it.
    if (signal !== undefined && !isFinal(task.state)) this.#signals.follow(task, signal);
  }

  /** Keeps a task until its response is over, then calls `release`, unless `runIf` says no. */
  #hold(task: Task, response: Response, release: (outcome: ResponseOutcome) => void): void {
    whenOver(response, (outcome) => {
      // Cancelled meanwhile, perhaps.
      if (task.state === "held") this.#responseOver(task, outcome, release);
    });
  }

  #responseOver(task: Task, outcome: ResponseOutcome, release: (outcome: ResponseOutcome) => void): void {
    let allowed: boolean;
    try {
      allowed = runIfAllows(task.dispatch.runIf, outcome);
    } catch (error) {
      this.fail(task, error);
      return;
    }
    // Unless the predicate has cancelled it.
    if (!allowed) this.withdraw(task, () => this.#parts.ledger.skipped(task));
    else if (task.state === "held") release(outcome);
  }

  #context(): unknown {
    const { context } = this.#parts;
    return context === undefined ? undefined : copy(context(), "context");
  }

  #stop(task: Task, error: OffloadError): boolean {
    const { callbacks, ledger, pool } = this.#parts;
    if (task.definition.kind === "callback") return callbacks.abort(task, error);
    const stopped = pool.abort(task, error);
    if (stopped === "never begun") ledger.cancelled(task, error);
    return stopped !== "too late";
  }

  /** Ends a task that has not begun, or waits for another attempt, by `finish`. */
  withdraw(task: Task, finish: () => void): void {
    // Of several that are to end, a listener of the first one's end may have cancelled the others.
    if (isFinal(task.state)) return;
    if (task.state === "held") finish();
    else if (task.definition.kind === "callback") this.#parts.callbacks.withdraw(task, finish);
    else this.#parts.queue.withdraw(task, finish);
  }
}

/** It runs yet and will end cancelled: who dispatches now does not mean that one, and waits for its end. */
function isBeingCancelled({ abortedBy }: Task): boolean {
  return abortedBy?.code === "AR_CANCELLED";
}

/** The callback, to be run in the async context of this call. AsyncResource.bind() does the same for 7 us more on Node 20. */
function inThisContext(callback: Callback): Callback {
  const resource = new AsyncResource("offload-after-response.callback");
  return (context) => resource.runInAsyncScope(callback, undefined, context);
}
