// Makes the task of a call: captures what it was given, asks for room, and puts it on record. Everything that can throw
// because of a payload happens here, before anything changes.
import type { MessagePort } from "node:worker_threads";
import { ticks } from "../base/ticks.js";
import type { TaskDefinition } from "../core/definition.js";
import {
  type CaptureOptions,
  capture,
  captureBriefly,
  captureWhole,
  refuseToMoveAgain,
} from "../core/payload/capture.js";
import { type Captured, isBytes, sizeOf } from "../core/payload/payload.js";
import { type Dispatch, Task, type TaskIdentity } from "../core/task.js";
import type { Carrier } from "../core/trace/carrier.js";
import type { Store } from "../store/store.js";
import type { Admission } from "./admission.js";
import { type DispatchOptions, lastingOptions } from "./call/dispatch-options.js";
import type { InstanceWarnings } from "./instance-warnings.js";
import { refusalForMemory } from "./no-memory.js";

export interface TaskMakerParts {
  readonly identity: TaskIdentity;
  readonly admission: Admission;
  readonly store: Store;
  readonly instances: InstanceWarnings;
}

/** A dispatch that has passed every check but those of its payload. */
export interface Call {
  readonly definition: TaskDefinition;
  readonly dispatch: Dispatch;
  readonly payload: unknown;
  readonly context: Captured;
  /** The id of the task that dispatched it by `task.offload()`. */
  readonly parent: string | undefined;
  readonly carrier: Carrier | undefined;
  readonly options: DispatchOptions | undefined;
  /** Unfinished tasks that are cancelled when this one is accepted. */
  readonly replaced: readonly Task[];
  /** What the queue takes of one task, in bytes, where the task goes there. */
  readonly mostBytes?: number | undefined;
  /** Where it is a part of the user's own transaction, and not on record: makes what is inserted. */
  readonly insert?: ((task: Task) => void) | undefined;
}

/** What a task is made of. */
export interface TaskContents {
  readonly definition: TaskDefinition;
  readonly dispatch: Dispatch;
  readonly payload: Captured;
  /** What the payload holds, in bytes. */
  readonly bytes: number;
  readonly context: Captured;
  readonly parent?: string | undefined;
  readonly carrier?: Carrier | undefined;
  /** In ticks. Default: now. */
  readonly acceptedAt?: number;
}

export class TaskMaker {
  #seq = 0;
  /** The name of the task whose payload is being captured. */
  #capturing = "";
  #store: Store;
  // One object for all calls, because making one for each call would be a good part of what a tiny payload costs.
  readonly #options: CaptureOptions;

  constructor(private readonly parts: TaskMakerParts) {
    this.#store = parts.store;
    this.#options = { onInstance: parts.instances.for(() => this.#capturing) };
  }

  /**
   * A task that is on record, if there is a store, and not accepted yet. What is in `transfer` has moved.
   *
   * @throws OffloadError AR_PAYLOAD_NOT_CLONEABLE, AR_PAYLOAD_TOO_LARGE, AR_QUEUE_FULL, AR_SHUTTING_DOWN, and what the
   *   store throws; nothing has moved then, and nothing is on record
   */
  fromCall(call: Call): Task {
    const transfer = call.options?.transfer;
    try {
      return transfer === undefined ? this.#copied(call) : this.#moved(call, transfer);
    } catch (error) {
      throw refusalForMemory(error, call.definition.name) ?? error;
    }
  }

  /** Has tasks recorded elsewhere from now on: the testing kit keeps those of a test out of the journal. */
  recordIn(store: Store): Store {
    const before = this.#store;
    this.#store = store;
    return before;
  }

  make(contents: TaskContents): Task {
    const { definition, dispatch, payload, bytes, context, parent, carrier, acceptedAt = ticks() } = contents;
    const task = new Task(this.#seq++, this.parts.identity, definition, dispatch, payload, bytes, context, acceptedAt);
    if (parent !== undefined) task.parent = parent;
    if (carrier !== undefined) task.carrier = carrier;
    return task;
  }

  #copied(call: Call): Task {
    const { definition, mostBytes, insert } = call;
    this.#capturing = definition.name;
    if (mostBytes !== undefined && insert === undefined && this.#store.holdsPayloads) {
      return captureBriefly(call.payload, "payload", this.#options, (payload) => this.#accepted(call, payload, false));
    }
    const payload = capture(call.payload, "payload", this.#options);
    try {
      return this.#accepted(call, payload, true);
    } catch (refusal) {
      if (isBytes(payload)) payload.release();
      throw refusal;
    }
  }

  /** @param isKept whether the payload is kept in memory too; a queue elsewhere gets it from the record */
  #accepted(call: Call, payload: Captured, isKept: boolean): Task {
    const { admission } = this.parts;
    const store = this.#store;
    const { definition, dispatch, context, parent, carrier, options, replaced, mostBytes, insert } = call;
    const bytesOfContext = bytesOf(context);
    const bytes = sizeOf(payload) + bytesOfContext;
    // Once more, because a getter in the payload is the user's code and may have dispatched.
    admission.check(replaced, bytes);
    const task = isKept
      ? this.make({ definition, dispatch, payload, bytes, context, parent, carrier })
      : this.make({ definition, dispatch, payload: undefined, bytes: bytesOfContext, context, parent, carrier });
    if (insert !== undefined) {
      task.route = "inserted";
      insert(task);
      return task;
    }
    if (mostBytes !== undefined) task.route = "forward";
    if (store.keeps || mostBytes !== undefined) store.accept(task, payload, lastingOptions(options), mostBytes);
    return task;
  }

  /** Parts of the payload move to the thread. */
  #moved(call: Call, transfer: readonly (ArrayBuffer | MessagePort)[]): Task {
    const { admission } = this.parts;
    const store = this.#store;
    const { definition, dispatch, context, parent, carrier, replaced } = call;
    this.#capturing = definition.name;
    refuseToMoveAgain(transfer, dispatch.attempts);
    const beforeMoving = (bytes: number): void => admission.check(replaced, bytes + bytesOf(context));
    const move = (): Captured => capture(call.payload, "payload", { ...this.#options, transfer, beforeMoving });
    if (store.keeps) return this.#movedOnRecord(call, transfer, move);
    const payload = move();
    const bytes = sizeOf(payload) + bytesOf(context);
    return this.make({ definition, dispatch, payload, bytes, context, parent, carrier });
  }

  /** The record has copies of what moves. Whether all of it can be moved is known only when it has moved. */
  #movedOnRecord(call: Call, transfer: readonly unknown[], move: () => Captured): Task {
    const { admission } = this.parts;
    const store = this.#store;
    const { definition, dispatch, context, parent, carrier, options, replaced } = call;
    const whole = captureWhole(call.payload, "payload", transfer);
    try {
      const bytes = sizeOf(whole) + bytesOf(context);
      admission.check(replaced, bytes);
      const task = this.make({ definition, dispatch, payload: undefined, bytes, context, parent, carrier });
      store.accept(task, whole, lastingOptions(options));
      try {
        task.payload = move();
      } catch (error) {
        store.undo(task);
        throw error;
      }
      return task;
    } finally {
      if (isBytes(whole)) whole.release();
    }
  }
}

/** What a context adds to its task. The usual one, a few ids, is not worth the look. */
function bytesOf(context: Captured): number {
  return isBytes(context) ? sizeOf(context) : 0;
}
