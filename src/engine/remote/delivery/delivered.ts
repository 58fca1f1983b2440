// A delivered task on its two ways: from the message of the engine's thread to a task here, and from its end to what the queue is told.
import { toWire } from "../../../core/payload/to-wire.js";
import { fromWireForm } from "../../../core/payload/wire-form.js";
import type { Task } from "../../../core/task.js";
import type { StoredTask } from "../../../store/store.js";
import type { DeliveredTask, WireVerdict } from "../protocol.js";

/** @param code of the error, if it is one of the library */
export function verdictOf(task: Task, code: string | undefined, error: unknown): WireVerdict {
  switch (task.state) {
    case "succeeded":
      return { as: "succeeded" };
    case "failed":
      // The process is to blame, and not the task.
      if (code === "AR_TASKS_NOT_LOADABLE") return { as: "returned", delayMs: 1_000 };
      return { as: "failed", reason: code === "AR_TIMEOUT" ? "timeout" : "exhausted", error: toWire(error) };
    case "cancelled":
      return { as: "failed", reason: "cancelled", error: toWire(error) };
    default:
      return { as: "returned", delayMs: 0 };
  }
}

/** As the intake accepts what another process has accepted. */
export function storedFrom(task: DeliveredTask): StoredTask {
  const { id, name, payload, dispatch, context, parent, carrier, acceptedAt, attempt, crashes } = task;
  return {
    id,
    name,
    payload: fromWireForm(payload),
    dispatch,
    context: fromWireForm(context),
    parent,
    carrier,
    attempt: attempt - 1,
    interrupted: crashes,
    acceptedAt,
    retries: 0,
  };
}
