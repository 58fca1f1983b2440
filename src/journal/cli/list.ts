// `ls`: the unfinished tasks and the dead letters of a journal.
import type { DeadLetter } from "../../store/store.js";
import type { PendingTask } from "../takeover/recovered-log.js";
import { type CommandContext, type CommandResult, count, deadLetterFiles } from "./command.js";
import { type InspectedOwner, inspectOwners } from "./inspect.js";
import { age, line, size, table } from "./table.js";

/** An unfinished task as it is shown. */
export interface UnfinishedTask {
  readonly id: string;
  readonly task: string;
  /** `interrupted`: it was running when its process died, and waits for another process to take it over. */
  readonly state: "waiting" | "running" | "interrupted";
  /** The number of the last attempt. */
  readonly attempt: number;
  /** How often a process died while it ran, before the present run. */
  readonly interrupted: number;
  readonly acceptedAt: number;
  readonly bytes: number;
  readonly owner: "alive" | "dead";
}

// More rows do not help in a terminal; --json lists all.
const mostRows = 100;

export async function list(context: CommandContext): Promise<CommandResult> {
  const owners = await inspectOwners(context.fs, context.root);
  const unfinished = owners
    .flatMap((owner) => owner.pending.map((pending) => describeTask(owner, pending)))
    .sort((a, b) => a.acceptedAt - b.acceptedAt);
  const deadLetters = await deadLetterFiles(context).list();
  return { text: listText(unfinished, deadLetters, context.now), json: { unfinished, deadLetters }, code: 0 };
}

export function describeTask({ alive }: InspectedOwner, { entry, task, acceptedAt }: PendingTask): UnfinishedTask {
  const state = !entry.running ? "waiting" : alive ? "running" : "interrupted";
  const { id, attempt, interrupted, length: bytes } = entry;
  return { id, task, state, attempt, interrupted, acceptedAt, bytes, owner: alive ? "alive" : "dead" };
}

function listText(unfinished: readonly UnfinishedTask[], deadLetters: readonly DeadLetter[], now: number): string {
  const parts = [count(unfinished.length, "unfinished task")];
  if (unfinished.length > 0) {
    const rows = unfinished
      .slice(0, mostRows)
      .map((task) => [
        task.id,
        line(task.task, 30),
        task.state,
        String(task.attempt),
        String(task.interrupted),
        age(task.acceptedAt, now),
        size(task.bytes),
        task.owner,
      ]);
    parts.push(
      table(["ID", "TASK", "STATE", "ATTEMPT", "INTERRUPTED", "AGE", "SIZE", "OWNER"], rows),
      ...more(unfinished),
    );
  }
  parts.push(`${parts.length > 1 ? "\n" : ""}${count(deadLetters.length, "dead letter")}`);
  if (deadLetters.length > 0) {
    const rows = deadLetters
      .slice(0, mostRows)
      .map((deadLetter) => [
        deadLetter.id,
        line(deadLetter.task, 30),
        deadLetter.reason,
        String(deadLetter.attempts),
        age(deadLetter.failedAt, now),
        line(deadLetter.error?.message ?? ""),
      ]);
    parts.push(table(["ID", "TASK", "REASON", "ATTEMPTS", "AGE", "ERROR"], rows), ...more(deadLetters));
  }
  return parts.join("\n");
}

function more(rows: readonly unknown[]): string[] {
  return rows.length > mostRows ? [`... and ${rows.length - mostRows} more (--json lists all)`] : [];
}
