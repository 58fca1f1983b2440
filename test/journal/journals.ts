// Shared by the tests of the journal: temporary directories, journals in them, and the directory that a kill -9 would leave.
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { crc32 } from "node:zlib";
import { afterEach } from "vitest";
import type { Logger } from "../../src/base/logger.js";
import { PayloadBytes } from "../../src/core/payload/payload.js";
import { type FileSystem, nodeFileSystem } from "../../src/journal/files/file-system.js";
import { type Journal, openJournal } from "../../src/journal/journal.js";
import type { JournalEntry } from "../../src/journal/log/segment.js";
import type { JournalOptions } from "../../src/journal/options.js";
import type { ReplayedTask } from "../../src/journal/replayed-task.js";

export interface LogLine {
  readonly level: "info" | "warn" | "error";
  readonly fields: object;
  readonly message: string;
}

export interface TestJournal {
  readonly journal: Journal;
  readonly dir: string;
  readonly lines: LogLine[];
}

const directories: string[] = [];
const open = new Set<Journal>();

/** Closes the journals and removes the directories: after each test, or sooner where a test makes many. */
export async function cleanUp(): Promise<void> {
  for (const journal of open) await journal.close();
  open.clear();
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
}

afterEach(cleanUp);

/** A directory that is removed after the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(path.join(tmpdir(), "journal-"));
  directories.push(directory);
  return directory;
}

export interface TestJournalOptions extends Partial<JournalOptions> {
  readonly fs?: FileSystem;
  readonly now?: () => number;
  readonly onAskedToTakeOver?: () => void;
  /** Default 0: the directories of `afterKill()` have no sockets, and nobody is waited for. */
  readonly unboundGrace?: number;
}

/** A journal that is closed after the test. */
export function testJournal(options: TestJournalOptions = {}): TestJournal {
  const { fs = nodeFileSystem, now = Date.now, onAskedToTakeOver, unboundGrace = 0, ...rest } = options;
  const dir = options.dir ?? path.join(temporaryDirectory(), "journal");
  const { logger, lines } = recordingLogger();
  // The owner is in this very process, and is to look dead as one in another container does.
  const listens = async (): Promise<boolean> => false;
  const journal = openJournal({ ...rest, dir }, { logger, onAskedToTakeOver }, { fs, now, unboundGrace, listens });
  open.add(journal);
  return { journal, dir, lines };
}

function recordingLogger(): { logger: Logger; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const write = (level: LogLine["level"]) => (fields: object, message: string) =>
    void lines.push({ level, fields, message });
  return { logger: { info: write("info"), warn: write("warn"), error: write("error") }, lines };
}

/** The directory as a kill -9 at this moment would leave it: what has been written, and no living owner. */
export function afterKill(dir: string): string {
  const copy = path.join(temporaryDirectory(), "journal");
  cpSync(dir, copy, { recursive: true, filter: (file) => !statSync(file).isSocket() });
  return copy;
}

/** A payload as bytes: a stream and parts of these lengths. */
export function payloadBytes(
  bytes: Uint8Array,
  lengths: readonly number[] = [bytes.length],
  { aside, asidePaths }: { aside?: unknown[]; asidePaths?: string[] } = {},
): PayloadBytes {
  return new PayloadBytes(bytes, lengths, { aside, asidePaths });
}

let accepted = 0;

/** Accepts a task with an id of its own. */
export function accept(journal: Journal, payload: unknown = { n: accepted }, task = "work"): JournalEntry {
  return journal.accept({
    id: `t-${(accepted++).toString(36)}`,
    task,
    payload,
    dispatch: undefined,
    context: undefined,
  });
}

/** All that the journal hands out at a start. */
export async function replayed(journal: Journal): Promise<ReplayedTask[]> {
  await journal.takeOver();
  return [...journal.replay()];
}

/** The tasks that a start in a directory would run; the directory is left as it is. */
export async function pendingIn(dir: string, options: TestJournalOptions = {}): Promise<ReplayedTask[]> {
  return replayed(testJournal({ ...options, dir: afterKill(dir) }).journal);
}

/** The files of a kind below a directory, sorted. */
export function filesIn(dir: string, suffix: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(suffix))
    .map((name) => path.join(dir, name))
    .sort();
}

/**
 * Makes a stream of V8 in a file one of a version that no Node.js reads.
 *
 * It is looked for as a whole: its first bytes alone stand in an id or a time now and then.
 *
 * @returns where the stream begins
 */
export function setStreamVersion(bytes: Buffer, stream: Buffer): number {
  const at = bytes.indexOf(stream);
  if (at < 0) throw new Error("the file holds no such stream");
  // 0xff, and the version.
  bytes[at + 1] = 0xee;
  return at;
}

/** Makes the CRC of the record at `start` right again, with zlib's own. */
export function reseal(bytes: Buffer, start: number): void {
  const end = start + 8 + bytes.readUInt32LE(start + 4);
  bytes.writeUInt32LE(crc32(bytes.subarray(start + 4, end)), start);
}
