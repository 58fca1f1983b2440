// `ls` and `show`: what is in a journal.
import { inspect } from "node:util";
import type { Logger } from "../../base/logger.js";
import type { DeadLetter } from "../dead-letters/dead-letter.js";
import { LetterFiles } from "../dead-letters/letter-files.js";
import type { FileSystem } from "../files/file-system.js";
import { decodeContent, type TaskContent } from "../format/content.js";
import { type Encoding, encodings } from "../format/format.js";
import { EntryReader } from "../log/entry-reader.js";
import type { PendingTask } from "../takeover/recover.js";
import { type InspectedOwner, inspectOwners } from "./inspect.js";
import { age, line, size, table } from "./table.js";

/** What a command prints, and the exit code. */
export interface CommandResult {
  readonly text: string;
  readonly json: unknown;
  readonly code: number;
}

export interface CommandContext {
  readonly fs: FileSystem;
  readonly root: string;
  readonly logger: Logger;
  readonly now: number;
}

/** An unfinished task as it is shown. */
interface UnfinishedTask {
  readonly id: string;
  readonly task: string;
  /** `interrupted`: it ran when its process died, and waits to be adopted. */
  readonly state: "waiting" | "running" | "interrupted";
  /** The number of the last attempt. */
  readonly attempt: number;
  /** How often a process died while it ran, before the present run. */
  readonly interrupted: number;
  readonly acceptedAt: number;
  readonly bytes: number;
  readonly owner: "alive" | "dead";
}

// A terminal is not made for more; --json tells all.
const mostRows = 100;

export async function list(context: CommandContext): Promise<CommandResult> {
  const owners = await inspectOwners(context.fs, context.root);
  const unfinished = owners
    .flatMap((owner) => owner.pending.map((pending) => describeTask(owner, pending)))
    .sort((a, b) => a.acceptedAt - b.acceptedAt);
  const deadLetters = await lettersOf(context).list();
  return { text: listText(unfinished, deadLetters, context.now), json: { unfinished, deadLetters }, code: 0 };
}

export async function show(context: CommandContext, id: string): Promise<CommandResult> {
  const letter = lettersOf(context).read(id);
  if (letter !== undefined) {
    const { accepted, bytes } = letter;
    const content = contentOf(accepted.encoding, bytes.subarray(accepted.contentStart, accepted.end));
    return shown({ place: "dead letters", ...letter.letter, ...content });
  }
  for (const owner of await inspectOwners(context.fs, context.root)) {
    const pending = owner.pending.find(({ entry }) => entry.id === id);
    if (pending === undefined) continue;
    return shown({ place: "unfinished", ...describeTask(owner, pending), ...readContent(context.fs, pending) });
  }
  return {
    text: `There is no task ${id} in ${context.root}: it has ended, or was never accepted here.`,
    json: null,
    code: 1,
  };
}

export function lettersOf({ fs, root, logger }: CommandContext): LetterFiles {
  return new LetterFiles(fs, root, logger);
}

function describeTask({ alive }: InspectedOwner, { entry, task, acceptedAt }: PendingTask): UnfinishedTask {
  const state = !entry.running ? "waiting" : alive ? "running" : "interrupted";
  const { id, attempt, interrupted, length: bytes } = entry;
  return { id, task, state, attempt, interrupted, acceptedAt, bytes, owner: alive ? "alive" : "dead" };
}

function listText(unfinished: readonly UnfinishedTask[], letters: readonly DeadLetter[], now: number): string {
  const parts = [`${unfinished.length} unfinished`];
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
  parts.push(`${parts.length > 1 ? "\n" : ""}${letters.length} dead`);
  if (letters.length > 0) {
    const rows = letters
      .slice(0, mostRows)
      .map((letter) => [
        letter.id,
        line(letter.task, 30),
        letter.reason,
        String(letter.attempts),
        age(letter.buriedAt, now),
        line(letter.error?.message ?? ""),
      ]);
    parts.push(table(["ID", "TASK", "REASON", "ATTEMPTS", "AGE", "ERROR"], rows), ...more(letters));
  }
  return parts.join("\n");
}

function more(rows: readonly unknown[]): string[] {
  return rows.length > mostRows ? [`... and ${rows.length - mostRows} more (--json lists all)`] : [];
}

function readContent(fs: FileSystem, pending: PendingTask): Record<string, unknown> {
  const reader = new EntryReader(fs);
  try {
    const { record, bytes } = reader.read(pending.entry);
    return contentOf(record.encoding, bytes.subarray(record.contentStart, record.end));
  } finally {
    reader.close();
  }
}

function contentOf(encoding: Encoding, bytes: Buffer): Record<string, unknown> {
  let content: TaskContent;
  try {
    content = decodeContent(encoding, bytes);
  } catch {
    return { unreadable: `Node ${process.version} cannot read the payload, which a newer one wrote` };
  }
  return encoding === encodings.json ? { ...content } : { ...content, onlyInJavaScript: true };
}

function shown(fields: Record<string, unknown>): CommandResult {
  const { onlyInJavaScript, ...rest } = fields;
  const rows = Object.entries(rest)
    .filter(([, value]) => value !== undefined)
    .map(
      ([name, value]) =>
        `${name}: ${typeof value === "string" ? value : inspect(value, { depth: 8, breakLength: 100 })}`,
    );
  // What JSON cannot say is said in JavaScript's words.
  const words = (value: unknown): unknown => (value === undefined ? undefined : inspect(value, { depth: 8 }));
  const json = onlyInJavaScript ? { ...rest, payload: words(rest.payload), context: words(rest.context) } : rest;
  return { text: rows.join("\n"), json, code: 0 };
}
