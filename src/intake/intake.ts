// From a call to an accepted task, and from the end of its response to the scheduler. What cannot be accepted throws here, at
// the call.
import { AsyncResource } from "node:async_hooks";
import type { MessagePort } from "node:worker_threads";
import { describe, OffloadError } from "../base/errors.js";
import { ticks, ticksAgo } from "../base/ticks.js";
import { wallClock } from "../base/time.js";
import type { TaskDefinition } from "../core/definition.js";
import { isBeingCancelled } from "../core/early-end.js";
import type { ResponseOutcome } from "../core/outcome.js";
import { capture, captureWhole, refuseToMoveAgain } from "../core/payload/capture.js";
import { type Captured, isBytes, sizeOf } from "../core/payload/payload.js";
import { isFinal } from "../core/states.js";
import { type Dispatch, Task, type TaskIdentity } from "../core/task.js";
import type { Callback, CallbackPayload } from "../engine/callbacks/callbacks.js";
import { whenOver } from "../response/over.js";
import { runIfAllows } from "../response/run-if.js";
import type { Store, StoredTask } from "../store/store.js";
import { AcceptanceOrder } from "./acceptance-order.js";
import type { Admission } from "./admission.js";
import type { Definitions } from "./definitions.js";
import {
  type CallbackOptions,
  type DispatchOptions,
  lastingOptions,
  resolveCallback,
  resolveDispatch,
} from "./dispatch-options.js";
import type { InstanceWarnings } from "./instance-warnings.js";
import type { Readiness } from "./readiness.js";
import type { Scheduler } from "./scheduler.js";

/** A response to wait for: what the user gave, or the one being handled; undefined: none. */
type Response = Parameters<typeof whenOver>[0];

export interface IntakeParts {
  readonly identity: TaskIdentity;
  readonly context: (() => unknown) | undefined;
  readonly definitions: Definitions;
  readonly readiness: Readiness;
  readonly admission: Admission;
  readonly store: Store;
  readonly scheduler: Scheduler;
  readonly instances: InstanceWarnings;
}

/** A dispatch that has passed every check but those of its payload. */
interface Request {
  readonly definition: TaskDefinition;
  readonly dispatch: Dispatch;
  readonly payload: unknown;
  readonly context: Captured;
  readonly options: DispatchOptions | undefined;
  /** Unfinished tasks that are cancelled when this one is accepted. */
  readonly replaced: readonly Task[];
}

const tookItsPlace = "a later dispatch with the same key took its place";
const none: readonly Task[] = [];

export class Intake {
  #seq = 0;
  readonly #order = new AcceptanceOrder();

  constructor(private readonly parts: IntakeParts) {}

  /** Accepts a task, to be queued once its response is over, or at once where there is none. */
  task(taskName: string, payload: unknown, options: DispatchOptions | undefined, response: Response | undefined): Task {
    const { definitions, admission, readiness, scheduler } = this.parts;
    if (readiness.refusal !== undefined) throw readiness.refusal;
    const definition = definitions.task(taskName);
    const dispatch = resolveDispatch(`options of ${taskName}`, definition.policy, options);
    // Before the key is looked up, because this function is the user's and may dispatch too.
    const context = this.#context();
    const twin = dispatch.key === undefined ? undefined : scheduler.keys.find(taskName, dispatch.key);
    if (twin !== undefined && dispatch.onDuplicate !== "replace" && !isBeingCancelled(twin)) return twin;
    const replaced =
      twin === undefined ? none : this.#withKeyOf(taskName, dispatch).filter(({ state }) => state !== "running");
    admission.check(replaced);
    // All that can throw comes before anything changes.
    const request: Request = { definition, dispatch, payload, context, options, replaced };
    const transfer = options?.transfer;
    const task = transfer === undefined ? this.#capture(request) : this.#captureMoving(request, transfer);
    return scheduler.move(() => {
      scheduler.accept(task, options?.signal);
      for (const other of replaced) scheduler.cancel(other, tookItsPlace);
      // Its signal may have aborted before the call.
      if (isFinal(task.state)) return task;
      if (response === undefined) scheduler.release(task);
      else this.#hold(task, response);
      return task;
    });
  }

  /** Accepts a callback, to be run once the response is over. */
  callback(callback: Callback, options: CallbackOptions | undefined, response: Response): Task {
    if (typeof callback !== "function") {
      throw new OffloadError(
        "AR_INVALID_ARGUMENT",
        `runAfterResponse: expected a callback function, got ${describe(callback)}`,
      );
    }
    const { definitions, admission, scheduler } = this.parts;
    const definition = definitions.callback(callback.name);
    const dispatch = resolveCallback(definition.policy, options);
    // Before admission is asked, because this function is the user's and may dispatch too.
    const context = this.#context();
    admission.check(none);
    const payload: CallbackPayload = { callback: inThisContext(callback), outcome: undefined };
    const task = this.#make(definition, dispatch, payload, 0, context);
    return scheduler.move(() => {
      scheduler.accept(task, options?.signal);
      if (!isFinal(task.state)) this.#hold(task, response, payload);
      return task;
    });
  }

  /** Accepts a task that an earlier process had accepted: it keeps its id, its age and its attempts, and is queued at once. */
  readonly readmit = (stored: StoredTask, onMade: (task: Task) => void): Task => {
    const { definitions, scheduler } = this.parts;
    const { id, name, acceptedAt } = stored;
    const definition = definitions.task(name);
    const options = (stored.dispatch ?? undefined) as DispatchOptions | undefined;
    const dispatch = resolveDispatch(`journaled options of ${name}`, definition.policy, options);
    const age = Math.max(0, wallClock() - acceptedAt);
    const payload = captured(stored.payload, "payload");
    const task = new Task(
      this.#seq++,
      this.parts.identity,
      definition,
      dispatch,
      payload,
      sizeOf(payload),
      captured(stored.context, "context"),
      ticksAgo(age),
    );
    task.replayedId = id;
    task.attempt = stored.attempt;
    // It ran when its process died, perhaps of it.
    task.runsAlone = stored.interrupted > 0;
    onMade(task);
    return scheduler.move(() => {
      scheduler.accept(task);
      if (dispatch.key !== undefined) {
        const others = this.#withKeyOf(name, dispatch).filter((other) => other !== task);
        for (const earlier of this.#order.cameBack(task, stored, others)) scheduler.cancel(earlier, tookItsPlace);
      }
      if (task.state === "held") scheduler.release(task);
      return task;
    });
  };

  #capture(request: Request): Task {
    const { admission, store, instances } = this.parts;
    const { definition, dispatch, payload, options, replaced } = request;
    const captured = capture(payload, "payload", { onInstance: instances.of(definition) });
    try {
      const bytes = sizeOf(captured);
      // Once more, because a getter in the payload is the user's code and may have dispatched.
      admission.check(replaced, bytes);
      const task = this.#make(definition, dispatch, captured, bytes, request.context);
      if (store.keeps) store.accept(task, captured, lastingOptions(options));
      return task;
    } catch (refusal) {
      if (isBytes(captured)) captured.release();
      throw refusal;
    }
  }

  /** Parts of the payload move to the thread. The caller keeps them when the task is refused. */
  #captureMoving(request: Request, transfer: readonly (ArrayBuffer | MessagePort)[]): Task {
    const { admission, store, instances } = this.parts;
    const { definition, dispatch, payload, context, replaced } = request;
    refuseToMoveAgain(transfer, dispatch.attempts);
    // The size of what is copied beside it is known only when all has moved, which is too late to refuse it.
    const moving = transfer.reduce((sum, item) => sum + (item instanceof ArrayBuffer ? item.byteLength : 0), 0);
    admission.check(replaced, moving);
    const move = (): Captured => capture(payload, "payload", { transfer, onInstance: instances.of(definition) });
    if (!store.keeps) {
      const moved = move();
      return this.#make(definition, dispatch, moved, sizeOf(moved), context);
    }
    const whole = captureWhole(payload, "payload", transfer);
    try {
      const task = this.#make(definition, dispatch, undefined, Math.max(moving, sizeOf(whole)), context);
      store.accept(task, whole, lastingOptions(request.options));
      return this.#moveStored(task, move);
    } finally {
      if (isBytes(whole)) whole.release();
    }
  }

  /** The task is on record. Only the move itself shows whether everything in `transfer` can be moved. */
  #moveStored(task: Task, move: () => Captured): Task {
    try {
      task.payload = move();
      return task;
    } catch (error) {
      this.parts.store.undo(task);
      throw error;
    }
  }

  #make(definition: TaskDefinition, dispatch: Dispatch, payload: Captured, bytes: number, context: Captured): Task {
    return new Task(this.#seq++, this.parts.identity, definition, dispatch, payload, bytes, context, ticks());
  }

  /** The unfinished tasks with the key of a dispatch, the last one first. */
  #withKeyOf(taskName: string, { key }: Dispatch): readonly Task[] {
    return key === undefined ? none : this.parts.scheduler.keys.line(taskName, key);
  }

  /** Keeps a task until its response is over, then releases it, unless `runIf` says no. */
  #hold(task: Task, response: Response, callback?: CallbackPayload): void {
    whenOver(response, (outcome) => {
      // It may have been cancelled meanwhile.
      if (task.state !== "held") return;
      if (callback !== undefined) callback.outcome = outcome;
      this.parts.scheduler.move(() => this.#responseOver(task, outcome));
    });
  }

  #responseOver(task: Task, outcome: ResponseOutcome): void {
    const { scheduler } = this.parts;
    let allowed: boolean;
    try {
      allowed = runIfAllows(task.dispatch.runIf, outcome);
    } catch (error) {
      scheduler.fail(task, error);
      return;
    }
    // The predicate is the user's and may have cancelled the task.
    if (task.state !== "held") return;
    if (allowed) scheduler.release(task);
    else scheduler.skip(task);
  }

  #context(): Captured {
    const { context } = this.parts;
    return context === undefined ? undefined : capture(context(), "context");
  }
}

/** An older version of the library kept values, which are not captured yet. */
function captured(stored: Captured, label: string): Captured {
  return isBytes(stored) ? stored : capture(stored, label);
}

/** Has the callback run in the async context of this call. AsyncResource.bind() does the same for 7 us more on Node 20. */
function inThisContext(callback: Callback): Callback {
  const resource = new AsyncResource("offload-after-response.callback");
  return (context) => resource.runInAsyncScope(callback, undefined, context);
}
