// From a call to an accepted task, and from the end of its response to the scheduler. What cannot be accepted throws here, at
// the call.
import { AsyncResource } from "node:async_hooks";
import { cut, describe, OffloadError } from "../base/errors.js";
import { ticksAgo } from "../base/ticks.js";
import { wallClock } from "../base/time.js";
import type { TaskDefinition } from "../core/definition.js";
import { isBeingCancelled } from "../core/early-end.js";
import type { FollowUp } from "../core/follow-up.js";
import { capture } from "../core/payload/capture.js";
import { type Captured, isBytes, sizeOf } from "../core/payload/payload.js";
import { isFinal } from "../core/states.js";
import type { Dispatch, Task } from "../core/task.js";
import type { Carrier } from "../core/trace/carrier.js";
import { isDispatchTraced, traceDispatch } from "../core/trace/trace-dispatch.js";
import type { TransactionClient } from "../core/transaction-client.js";
import type { Callback, CallbackPayload } from "../engine/callbacks/callbacks.js";
import type { StoredTask } from "../store/store.js";
import { AcceptanceOrder } from "./acceptance-order.js";
import type { Admission } from "./admission.js";
import {
  type CallbackOptions,
  checkFollowUp,
  type DispatchOptions,
  lastingOptions,
  resolveCallback,
  resolveDispatch,
} from "./call/dispatch-options.js";
import type { Definitions } from "./definitions.js";
import type { Held, HeldResponse } from "./held.js";
import { longestShownName, type Refusals } from "./refusals.js";
import type { Scheduler } from "./schedule/scheduler.js";
import type { Startup } from "./startup.js";
import type { TaskMaker } from "./task-maker.js";

export interface IntakeParts {
  /** Of the offloader. */
  readonly name: string;
  readonly context: (() => unknown) | undefined;
  readonly definitions: Definitions;
  readonly startup: Startup;
  readonly admission: Admission;
  readonly maker: TaskMaker;
  readonly scheduler: Scheduler;
  readonly held: Held;
  readonly refusals: Refusals;
  /** Where a queue elsewhere gets the released tasks: what it can take. */
  readonly elsewhere?: Elsewhere | undefined;
}

/** What a queue elsewhere takes. */
export interface Elsewhere {
  /** Bytes of one task as JSON. */
  readonly maxBytes: number;
  /** Whether a waiting task can be replaced there. */
  readonly replace: boolean;
  /** Makes what is inserted in a transaction of the user's; undefined where it has none. */
  readonly prepare?:
    | ((task: Task, client: TransactionClient, lasting: object | undefined, mostBytes: number) => void)
    | undefined;
}

/** How a task or callback was dispatched. */
export type Operation = "offloadAfterResponse" | "offload" | "run" | "task.offload" | "runAfterResponse";

/** What the testing kit is told of dispatches. */
export interface IntakeWatcher {
  /** A dispatch asks for admission. What this throws refuses it. */
  asked(kind: "task" | "callback"): void;
  /** A task or callback is about to be accepted. */
  accepting(task: Task, operation: Operation): void;
}

const tookItsPlace = "a later dispatch with the same key took its place";
const none: readonly Task[] = [];

export class Intake {
  readonly #order = new AcceptanceOrder();

  #watcher: IntakeWatcher | undefined;

  constructor(private readonly parts: IntakeParts) {}

  /** Has the one watcher told of every dispatch; undefined: nobody. What comes back from a journal is no dispatch. */
  watch(watcher: IntakeWatcher | undefined): void {
    this.#watcher = watcher;
  }

  /** Accepts a task, to be queued once its response is over, or at once where there is none. */
  task(
    operation: Operation,
    taskName: string,
    payload: unknown,
    options: DispatchOptions | undefined,
    response: HeldResponse | undefined,
    parent?: FollowUp,
  ): Task {
    try {
      const carrier = parent?.carrier;
      if (carrier === undefined && isDispatchTraced()) {
        return this.#acceptTracedTask(operation, taskName, payload, options, response, parent);
      }
      return this.#acceptTask(operation, taskName, payload, options, response, parent, carrier);
    } catch (error) {
      this.parts.refusals.refused("task", taskName, error);
      throw error;
    }
  }

  // Of its own, because a function with a closure over its parameters puts them on the heap in every call.
  #acceptTracedTask(
    operation: Operation,
    taskName: string,
    payload: unknown,
    options: DispatchOptions | undefined,
    response: HeldResponse | undefined,
    parent: FollowUp | undefined,
  ): Task {
    const message = {
      offloader: this.parts.name,
      task: typeof taskName === "string" ? cut(taskName, longestShownName) : taskName,
      kind: "task",
      parent: parent?.parent,
      carrier: {},
    } as const;
    return traceDispatch(message, (carrier) =>
      this.#acceptTask(operation, taskName, payload, options, response, parent, carrier),
    );
  }

  #acceptTask(
    operation: Operation,
    taskName: string,
    payload: unknown,
    options: DispatchOptions | undefined,
    response: HeldResponse | undefined,
    parent: FollowUp | undefined,
    carrier: Carrier | undefined,
  ): Task {
    const { definitions, admission, startup, maker, scheduler } = this.parts;
    if (startup.refusal !== undefined) throw startup.refusal;
    const definition = definitions.task(taskName);
    const { policy } = definition;
    const dispatch: Dispatch =
      options === undefined ? policy : resolveDispatch(`options of ${taskName}`, policy, options);
    // Before the key is looked up, because this function is the user's and may dispatch too.
    const context = parent === undefined ? this.#context() : parent.context;
    const insert = this.#insertion(operation, definition, dispatch, options);
    // Of a key in a transaction the database knows.
    const last =
      dispatch.key === undefined || insert !== undefined ? undefined : scheduler.keys.find(taskName, dispatch.key);
    if (last !== undefined && dispatch.onDuplicate !== "replace" && !isBeingCancelled(last)) return last;
    const replaced =
      last === undefined ? none : this.#withKeyOf(taskName, dispatch).filter(({ state }) => state !== "running");
    this.#watcher?.asked("task");
    admission.check(replaced);
    const mostBytes = this.#mostBytesElsewhere(operation, definition, dispatch, options);
    const call = {
      definition,
      dispatch,
      payload,
      context,
      parent: parent?.parent,
      carrier,
      options,
      replaced,
      mostBytes,
      insert,
    };
    const task = maker.fromCall(call);
    this.#watcher?.accepting(task, operation);
    scheduler.events.beginMove();
    try {
      scheduler.accept(task, options?.signal);
      // Its signal may have aborted before the call. Then it takes nobody's place.
      if (isFinal(task.state)) return task;
      for (const other of replaced) scheduler.cancel(other, tookItsPlace);
      if (response === undefined) scheduler.release(task);
      else this.parts.held.add(task, response);
      return task;
    } finally {
      scheduler.events.endMove();
    }
  }

  /**
   * Accepts what a task dispatches, as if it had been a call of `offload()`.
   *
   * @returns its id
   */
  readonly followUp = (followUp: FollowUp): string => {
    const { name, payload, options } = followUp;
    checkFollowUp(name, options);
    return this.task("task.offload", name, payload, options, undefined, followUp).id;
  };

  /** Accepts a callback, to be run once the response is over. */
  callback(callback: Callback, options: CallbackOptions | undefined, response: HeldResponse): Task {
    try {
      if (!isDispatchTraced()) return this.#acceptCallback(callback, options, response, undefined);
      const message = {
        offloader: this.parts.name,
        task: String(callback?.name),
        kind: "callback",
        parent: undefined,
        carrier: {},
      } as const;
      return traceDispatch(message, (carrier) => this.#acceptCallback(callback, options, response, carrier));
    } catch (error) {
      this.parts.refusals.refused("callback", callback?.name, error);
      throw error;
    }
  }

  #acceptCallback(
    callback: Callback,
    options: CallbackOptions | undefined,
    response: HeldResponse,
    carrier: Carrier | undefined,
  ): Task {
    if (typeof callback !== "function") {
      throw new OffloadError(
        "AR_INVALID_ARGUMENT",
        `runAfterResponse: expected a callback function, got ${describe(callback)}`,
      );
    }
    const { definitions, admission, maker, scheduler } = this.parts;
    const definition = definitions.callback(callback.name);
    const dispatch = resolveCallback(definition.policy, options);
    // Before admission is asked, because this function is the user's and may dispatch too.
    const context = this.#context();
    this.#watcher?.asked("callback");
    admission.check(none);
    const payload: CallbackPayload = { callback, inContext: inThisContext(), outcome: undefined };
    const task = maker.make({ definition, dispatch, payload, bytes: 0, context, carrier });
    this.#watcher?.accepting(task, "runAfterResponse");
    return scheduler.move(() => {
      scheduler.accept(task, options?.signal);
      if (!isFinal(task.state)) this.parts.held.add(task, response);
      return task;
    });
  }

  /** Accepts a task that an earlier process had accepted: it keeps its id, its age and its attempts, and is queued at once. */
  readonly readmit = (stored: StoredTask, onMade: (task: Task) => void): Task => {
    const { definitions, maker, scheduler } = this.parts;
    const { id, name, acceptedAt } = stored;
    const definition = definitions.task(name);
    const options = (stored.dispatch ?? undefined) as DispatchOptions | undefined;
    const dispatch = resolveDispatch(`journaled options of ${name}`, definition.policy, options);
    const payload = captured(stored.payload, "payload");
    const task = maker.make({
      definition,
      dispatch,
      payload,
      bytes: sizeOf(payload),
      context: captured(stored.context, "context"),
      parent: stored.parent,
      carrier: stored.carrier,
      acceptedAt: ticksAgo(Math.max(0, wallClock() - acceptedAt)),
    });
    task.replayedId = id;
    task.attempt = stored.attempt;
    // It ran when its process died, and may have been the cause.
    task.runsAlone = stored.interrupted > 0;
    onMade(task);
    const isDelivered = task.route === "delivered";
    if (!isDelivered && this.parts.elsewhere !== undefined && definition.policy.engine) task.route = "forward";
    return scheduler.move(() => {
      scheduler.accept(task);
      if (dispatch.key !== undefined && !isDelivered) {
        const others = this.#withKeyOf(name, dispatch).filter((other) => other !== task);
        for (const earlier of this.#order.cameBack(task, stored, others)) scheduler.cancel(earlier, tookItsPlace);
      }
      if (task.state === "held") scheduler.release(task);
      return task;
    });
  };

  /** The unfinished tasks with the key of a dispatch, the last one first. */
  #withKeyOf(taskName: string, { key }: Dispatch): readonly Task[] {
    return key === undefined ? none : this.parts.scheduler.keys.line(taskName, key);
  }

  /**
   * What a queue elsewhere takes of the content of this task; undefined if the task runs here, as all do whose result somebody waits
   * for, or whose buffers move.
   */
  #mostBytesElsewhere(
    operation: Operation,
    { name, policy }: TaskDefinition,
    { key, onDuplicate }: Dispatch,
    options: DispatchOptions | undefined,
  ): number | undefined {
    const { elsewhere } = this.parts;
    if (elsewhere === undefined || !policy.engine || operation === "run" || options?.transfer !== undefined)
      return undefined;
    if (onDuplicate === "replace" && !elsewhere.replace) {
      throw new OffloadError(
        "AR_INVALID_OPTIONS",
        `options of ${name}: expected onDuplicate to be "skip", because the queue of the option engine cannot replace a task, got "replace"`,
      );
    }
    // A character takes up to six bytes of JSON.
    return elsewhere.maxBytes - 6 * (name.length + (key?.length ?? 0));
  }

  /**
   * How the task becomes a part of a transaction; undefined without one.
   *
   * @throws OffloadError AR_INVALID_OPTIONS
   */
  #insertion(
    operation: Operation,
    definition: TaskDefinition,
    dispatch: Dispatch,
    options: DispatchOptions | undefined,
  ): ((task: Task) => void) | undefined {
    const transaction = options?.transaction;
    return transaction && this.#insertionBy(transaction, operation, definition, dispatch, options);
  }

  // Of its own, as the traced dispatch.
  #insertionBy(
    transaction: TransactionClient,
    operation: Operation,
    definition: TaskDefinition,
    dispatch: Dispatch,
    options: DispatchOptions | undefined,
  ): (task: Task) => void {
    const { elsewhere } = this.parts;
    const other = (["transfer", "signal"] as const).find((name) => options?.[name] !== undefined);
    const why =
      elsewhere?.prepare === undefined
        ? "without the option engine: pgBoss({ … })"
        : !definition.policy.engine
          ? "for a task whose policy is engine: false"
          : operation !== "offload"
            ? `of ${operation}(): only offload() is sure to come before the commit`
            : other && `beside ${other}`;
    const mostBytes = this.#mostBytesElsewhere(operation, definition, dispatch, options);
    if (why === undefined && elsewhere?.prepare !== undefined && mostBytes !== undefined) {
      const { prepare } = elsewhere;
      return (task) => prepare(task, transaction, lastingOptions(options), mostBytes);
    }
    throw new OffloadError("AR_INVALID_OPTIONS", `options of ${definition.name}: expected no transaction ${why}`);
  }

  #context(): Captured {
    const { context } = this.parts;
    return context === undefined ? undefined : capture(context(), "context");
  }
}

/** Records of older versions hold plain values, which are captured now. */
function captured(stored: Captured, label: string): Captured {
  return isBytes(stored) ? stored : capture(stored, label);
}

/** Runs code in the async context of this call. AsyncResource.bind() does the same for 7 us more on Node 20. */
function inThisContext(): CallbackPayload["inContext"] {
  const resource = new AsyncResource("offload-after-response.callback");
  return (code, argument) => resource.runInAsyncScope(code, undefined, argument);
}
