// Whether a message is one that the runner sends. The code of a task runs beside the runner and may post whatever it likes.
import type { BatchReply, FromThread } from "../protocol.js";

/** What the check has to know of a thread. */
interface Sender {
  readonly slots: readonly { readonly tasks: readonly unknown[] }[];
}

/** Whether the fields that decide where a message goes have the right types. Payloads and values in it are not checked. */
export function isFromRunner(thread: Sender, message: unknown): message is FromThread {
  if (isReply(message)) return isReplyOf(thread, message);
  if (typeof message !== "object" || message === null) return false;
  const { kind, ended, reply, seq, call, count, level } = message as Record<string, unknown>;
  switch (kind) {
    case "partial":
      // Of a batch that may have ended meanwhile.
      return (
        typeof ended === "number" && isReply(reply) && thread.slots[slotOf(reply)] !== undefined && hasLists(reply)
      );
    case "offload":
      return typeof seq === "number" && typeof call === "number";
    case "progress":
      return typeof seq === "number";
    case "log":
      return (
        typeof seq === "number" && (level === "debug" || level === "info" || level === "warn" || level === "error")
      );
    case "dropped":
      return typeof count === "number";
    default:
      return kind === "stray";
  }
}

export function isReply(message: unknown): message is BatchReply {
  return typeof message === "number" || Array.isArray(message);
}

/** Whether it answers a batch that is in flight. */
function isReplyOf(thread: Sender, reply: BatchReply): boolean {
  const slot = thread.slots[slotOf(reply)];
  return slot !== undefined && slot.tasks.length > 0 && hasLists(reply);
}

function slotOf(reply: BatchReply): number {
  return typeof reply === "number" ? reply : reply[0];
}

function hasLists(reply: BatchReply): boolean {
  if (typeof reply === "number") return true;
  const [, values, failures, kept] = reply;
  return [values, failures, kept].every((list) => list === undefined || Array.isArray(list));
}
