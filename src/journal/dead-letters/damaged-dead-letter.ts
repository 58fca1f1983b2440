// A dead letter whose file cannot be read: what is known of it from the rest of the file.
import type { DeadLetter } from "../../store/store.js";
import { type FileSystem, readFile } from "../files/file-system.js";
import { formatVersion, versionOf } from "../format/format.js";
import { readRecords } from "../format/read-records.js";
import type { AcceptedRecord } from "../format/record.js";

/** What is wrong with the bytes of a file that is no whole dead letter. */
export function problemOf(bytes: Buffer): string {
  const version = versionOf(bytes) ?? 0;
  return version > formatVersion
    ? `has format version ${version}, and this version reads ${formatVersion}`
    : "is damaged";
}

/** @param problem why it cannot be read */
export function damagedDeadLetter(fs: FileSystem, file: string, id: string, problem: unknown): DeadLetter {
  const bytes = bytesOf(fs, file);
  const isNewer = (versionOf(bytes) ?? 0) > formatVersion;
  const accepted = isNewer ? undefined : acceptedIn(bytes);
  const at = modifiedAt(fs, file);
  return {
    id,
    task: accepted?.task ?? "",
    reason: isNewer ? "unreadable" : "damaged",
    error: { name: "", message: problem instanceof Error ? problem.message : String(problem) },
    attempts: accepted?.attempt ?? 0,
    interrupted: accepted?.interrupted ?? 0,
    retries: accepted?.retries ?? 0,
    acceptedAt: accepted?.acceptedAt ?? at,
    failedAt: at,
  };
}

function bytesOf(fs: FileSystem, file: string): Buffer {
  try {
    return readFile(fs, file);
  } catch {
    return Buffer.alloc(0);
  }
}

function acceptedIn(bytes: Buffer): AcceptedRecord | undefined {
  let accepted: AcceptedRecord | undefined;
  readRecords(bytes, (record) => {
    if (record.type === "accepted") accepted ??= record;
  });
  return accepted;
}

function modifiedAt(fs: FileSystem, file: string): number {
  try {
    return fs.stat(file).mtimeMs;
  } catch {
    return 0;
  }
}
