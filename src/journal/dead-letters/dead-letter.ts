// The file of a dead letter: a header, the ACCEPTED record of its task, and a record that says why it is one.
import type { DeadLetter, DeadLetterError } from "../../store/store.js";
import { errorCode } from "../files/file-system.js";
import { readRecords } from "../format/read-records.js";
import type { AcceptedRecord, DeadLetterRecord, JournalRecord } from "../format/record.js";

/** A dead letter with the record of its task. */
export interface OpenedDeadLetter {
  readonly path: string;
  readonly deadLetter: DeadLetter;
  readonly accepted: AcceptedRecord;
  /** The file; the content of the task is in it from `accepted.contentStart` to `accepted.end`. */
  readonly bytes: Buffer;
}

/** The dead letter in a file; undefined if it is not whole. */
export function openDeadLetter(path: string, bytes: Buffer): OpenedDeadLetter | undefined {
  const records: JournalRecord[] = [];
  readRecords(bytes, (record) => records.push(record));
  const [accepted, dead] = records;
  if (accepted?.type !== "accepted" || dead?.type !== "dead-letter") return undefined;
  return { path, deadLetter: deadLetterOf(accepted, dead), accepted, bytes };
}

function deadLetterOf(accepted: AcceptedRecord, { reason, error, failedAt }: DeadLetterRecord): DeadLetter {
  const { id, task, attempt: attempts, interrupted, retries, acceptedAt } = accepted;
  return { id, task, reason, error: parseError(error), attempts, interrupted, retries, acceptedAt, failedAt };
}

/** An error as it is written, as JSON. */
export function errorText(error: unknown): string {
  return JSON.stringify(plainError(error));
}

function plainError(error: unknown): DeadLetterError | null {
  if (error === undefined) return null;
  if (!(error instanceof Error)) return { name: "", message: String(error) };
  const code = errorCode(error) || undefined;
  return { name: error.name, message: error.message, code, stack: error.stack };
}

function parseError(text: string): DeadLetterError | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The task is whole, and its error is only words.
    return { name: "", message: text };
  }
  if (typeof value !== "object" || value === null) return undefined;
  const field = (name: string): string | undefined => {
    const found: unknown = Reflect.get(value, name);
    return typeof found === "string" ? found : undefined;
  };
  return { name: field("name") ?? "", message: field("message") ?? "", code: field("code"), stack: field("stack") };
}
