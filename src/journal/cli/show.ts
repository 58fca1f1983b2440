// `show`: one task of a journal with its payload.
import { inspect } from "node:util";
import { type Captured, isBytes } from "../../core/payload/payload.js";
import { restore } from "../../core/payload/restore.js";
import type { OpenedDeadLetter } from "../dead-letters/dead-letter.js";
import type { DeadLetterFiles } from "../dead-letters/dead-letter-files.js";
import type { FileSystem } from "../files/file-system.js";
import { decodeContent, type TaskContent } from "../format/content.js";
import { type Encoding, encodings } from "../format/format.js";
import { isId } from "../format/id.js";
import { RecordFile } from "../format/record-file.js";
import type { PendingTask } from "../takeover/recovered-log.js";
import { type CommandContext, type CommandResult, deadLetterFiles } from "./command.js";
import { inspectOwners } from "./inspect.js";
import { describeTask } from "./list.js";
import { flat, indented } from "./printable.js";

export async function show(context: CommandContext, id: string): Promise<CommandResult> {
  const { deadLetter, opened } = lookForDeadLetter(context, id);
  if (deadLetter !== undefined) {
    const content = opened && deadContent(opened);
    return shown({ place: "dead letters", ...deadLetter, ...content });
  }
  for (const owner of await inspectOwners(context.fs, context.root)) {
    const pending = owner.pending.find(({ entry }) => entry.id === id);
    if (pending === undefined) continue;
    return shown({ place: "unfinished", ...describeTask(owner, pending), ...readContent(context.fs, pending) });
  }
  return {
    text: `There is no task ${flat(id)} in ${context.root}: it has ended, or was never accepted here.`,
    json: null,
    code: 1,
  };
}

/** Nothing where the text is no id: then it is no task either. */
function lookForDeadLetter(context: CommandContext, id: string): ReturnType<DeadLetterFiles["look"]> {
  return isId(id) ? deadLetterFiles(context).look(id) : {};
}

function deadContent({ accepted, bytes }: OpenedDeadLetter): Record<string, unknown> {
  return contentFields(accepted.encoding, bytes.subarray(accepted.contentStart, accepted.end));
}

function readContent(fs: FileSystem, pending: PendingTask): Record<string, unknown> {
  const reader = new RecordFile(fs);
  try {
    const { record, bytes } = reader.read(pending.entry.place);
    return contentFields(record.encoding, bytes.subarray(record.contentStart, record.end));
  } finally {
    reader.close();
  }
}

function contentFields(encoding: Encoding, bytes: Buffer): Record<string, unknown> {
  let content: TaskContent;
  try {
    content = decodeContent(encoding, bytes);
  } catch {
    return { unreadable: `Node ${process.version} cannot read the payload, which a newer version wrote` };
  }
  const { payload, dispatch, context } = content;
  const fields = { payload: shownValue(payload), dispatch, context: shownValue(context) };
  return encoding === encodings.json ? fields : { ...fields, onlyInJavaScript: true };
}

/** The value that was captured, as far as its stream alone tells. */
function shownValue(captured: Captured): unknown {
  try {
    return restore(captured);
  } catch {
    return isBytes(captured) ? `${captured.bytes.length} bytes, which this Node.js cannot read` : captured;
  }
}

function shown(fields: Record<string, unknown>): CommandResult {
  const { onlyInJavaScript, ...rest } = fields;
  const rows = Object.entries(rest)
    .filter(([, value]) => value !== undefined)
    .map(
      ([name, value]) =>
        `${name}: ${indented(typeof value === "string" ? value : inspect(value, { depth: 8, breakLength: 100 }))}`,
    );
  // Values that JSON cannot hold are shown as JavaScript.
  const words = (value: unknown): unknown => (value === undefined ? undefined : inspect(value, { depth: 8 }));
  const json = onlyInJavaScript ? { ...rest, payload: words(rest.payload), context: words(rest.context) } : rest;
  return { text: rows.join("\n"), json, code: 0 };
}
