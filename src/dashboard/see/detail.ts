// One task by its id: what is known of it, and what the option `show` lets out of its payload, context and key.
import type { Logger } from "../../base/logger.js";
import { since } from "../../base/ticks.js";
import { codeOf, lines, write } from "../../core/log/lines.js";
import { type Captured, isBytes } from "../../core/payload/payload.js";
import { restoreAnew } from "../../core/payload/restore.js";
import type { Task } from "../../core/task.js";
import type { DeadLetter } from "../../store/store.js";
import type { ShownTask } from "../options.js";

const mostShown = 16_384;
/** A larger payload is not made again only to be looked at. */
const mostPayload = 1_048_576;

export function taskDetail(task: Task, show: ((task: ShownTask) => unknown) | undefined, logger: Logger): object {
  const { id, definition, dispatch, state, attempt, parent, bytes } = task;
  return {
    id,
    task: definition.name,
    kind: definition.kind,
    state,
    attempt,
    attempts: dispatch.attempts,
    priority: dispatch.priority,
    parent,
    bytes,
    replayed: task.replayedId !== undefined,
    ageMs: Math.round(since(task.acceptedAt)),
    queuedMs: state === "queued" ? Math.round(since(task.queuedAt)) : undefined,
    runningMs: state === "running" ? Math.round(since(task.startedAt)) : undefined,
    threadId: state === "running" ? task.threadId : undefined,
    shown: show && shownText(task, show, logger),
  };
}

export function letterDetail({ error, ...letter }: DeadLetter): object {
  const stack = error?.stack?.slice(0, 4_096);
  return { ...letter, state: "dead letter", error: error && `${error.name}: ${error.message}`.slice(0, 1_000), stack };
}

function shownText(task: Task, show: (task: ShownTask) => unknown, logger: Logger): string {
  const { id, definition, dispatch } = task;
  try {
    const value = show({
      id,
      task: definition.name,
      kind: definition.kind,
      payload: definition.kind === "callback" ? undefined : payloadOf(task.payload, task.bytes),
      context: restoreAnew(task.context),
      key: dispatch.key,
    });
    return (JSON.stringify(value, null, 2) ?? "").slice(0, mostShown);
  } catch (err) {
    write(logger, lines.notShown, { task: definition.name, kind: definition.kind, id, code: codeOf(err), err });
    return "The option show failed; the log says why.";
  }
}

/** What is beside the bytes can be handed out once only, and the thread is to have it. */
function payloadOf(captured: Captured, bytes: number): unknown {
  if (isBytes(captured) && (captured.aside !== undefined || captured.loose !== undefined)) return undefined;
  if (bytes > mostPayload || (isBytes(captured) && captured.bytes.length === 0)) return undefined;
  return restoreAnew(captured);
}
