// A dead letter: a task that is not run again by itself, and why. In a file it is a header and two records.
import { errorCode } from "../files/file-system.js";
import type { DeadLetterReason } from "../format/format.js";
import { type AcceptedRecord, type BuriedRecord, type JournalRecord, readRecords } from "../format/read-records.js";

/** A task in the dead letters. */
export interface DeadLetter {
  readonly id: string;
  readonly task: string;
  readonly reason: DeadLetterReason;
  /** The error it failed with last, as plain fields. */
  readonly error: DeadLetterError | undefined;
  /** Attempts that ended on their own account. */
  readonly attempts: number;
  /** How often a process died while it ran. */
  readonly interrupted: number;
  /** How often it has come back from the dead letters before. */
  readonly retries: number;
  /** ms since 1970. */
  readonly acceptedAt: number;
  /** When it became a dead letter, in ms since 1970. */
  readonly buriedAt: number;
}

export interface DeadLetterError {
  readonly name: string;
  readonly message: string;
  readonly code?: string | undefined;
  readonly stack?: string | undefined;
}

/** A letter with the records that it consists of. */
export interface OpenedLetter {
  readonly path: string;
  readonly letter: DeadLetter;
  readonly accepted: AcceptedRecord;
  /** The file; the content of the task lies in it from `accepted.contentStart` to `accepted.end`. */
  readonly bytes: Buffer;
}

/** The letter in a file; undefined if it is not whole. */
export function openLetter(path: string, bytes: Buffer): OpenedLetter | undefined {
  const records: JournalRecord[] = [];
  readRecords(bytes, (record) => records.push(record));
  const [accepted, buried] = records;
  if (accepted?.type !== "accepted" || buried?.type !== "buried") return undefined;
  return { path, letter: letterOf(accepted, buried), accepted, bytes };
}

function letterOf(accepted: AcceptedRecord, buried: BuriedRecord): DeadLetter {
  return {
    id: accepted.id,
    task: accepted.task,
    reason: buried.reason,
    error: parseError(buried.error),
    attempts: accepted.attempt,
    interrupted: accepted.interrupted,
    retries: accepted.retries,
    acceptedAt: accepted.acceptedAt,
    buriedAt: buried.buriedAt,
  };
}

/** An error as a letter keeps it, as JSON. */
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
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null) return undefined;
  const field = (name: string): string | undefined => {
    const found: unknown = Reflect.get(value, name);
    return typeof found === "string" ? found : undefined;
  };
  return { name: field("name") ?? "", message: field("message") ?? "", code: field("code"), stack: field("stack") };
}
