// Answers `task.offload()` of a thread: hands the dispatch to the core, and sends back the id or the refusal.
import { restore } from "../../core/payload/restore.js";
import { toWire } from "../../core/payload/to-wire.js";
import { fromWireForm } from "../../core/payload/wire-form.js";
import { toCarrier } from "../../core/trace/carrier.js";
import type { EngineHost } from "../engine.js";
import type { Thread } from "./pool/thread.js";
import type { FollowUpMessage } from "./protocol.js";
import { findTask } from "./remarks.js";

/** Answers also where the asking task has ended, because its code may still wait. */
export function answerFollowUp(host: EngineHost, thread: Thread, message: FollowUpMessage): void {
  const { seq, parent, call, name, payload, options, carrier } = message;
  const context = findTask(thread, seq)?.context;
  try {
    const followUp = { name, payload: restore(fromWireForm(payload)), options, parent, context };
    const id = host.offload({ ...followUp, carrier: toCarrier(carrier) });
    thread.post({ kind: "offloaded", call, id });
  } catch (refusal) {
    thread.post({ kind: "offloaded", call, error: toWire(refusal) });
  }
}
