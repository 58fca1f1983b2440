// Reads the segments of a process, a few milliseconds in each turn of the event loop.
import path from "node:path";
import { now, turn } from "../../base/time.js";
import { errorCode, type FileSystem, readFile } from "../files/file-system.js";
import { type ReadResult, RecordReader, readBehind } from "../format/read-records.js";
import { isSegmentName, Segment } from "../log/segment.js";
import { type Recovered, RecoveredLog } from "./recovered-log.js";

/** `adopting-<id>`: a directory that is being taken over, between its two renames. The name is part of the format. */
export const movingPrefix = "adopting-";

/** How long records are read before the event loop gets its turn, in ms. */
const slice = 5;

/**
 * Reads all segments of `directories`.
 *
 * @param directories in the order of writing: those that the process had taken over, then its own
 * @throws Node's error when a directory or a file cannot be opened; a file that cannot be read is damaged
 */
export async function recover(fs: FileSystem, directories: readonly string[]): Promise<Recovered> {
  const log = new RecoveredLog();
  for (const directory of directories) {
    for (const name of fs.readdir(directory).filter(isSegmentName).sort()) {
      await readInto(log, new Segment(directory, name), fs);
      await turn();
    }
  }
  return log.result();
}

async function readInto(log: RecoveredLog, segment: Segment, fs: FileSystem): Promise<void> {
  const bytes = readSegment(fs, segment.path);
  segment.size = bytes?.length ?? 0;
  const result: ReadResult =
    bytes === undefined
      ? { outcome: "damaged", end: 0 }
      : await readSlowly(new RecordReader(bytes, (record) => log.apply(record, segment)));
  segment.damaged = result.outcome !== "complete" && result.outcome !== "torn";
  if (segment.damaged && bytes !== undefined && result.outcome !== "newer") {
    readBehind(bytes, result.end, (record) => log.notRead(record, segment));
  }
  log.readSegment(segment, result);
}

async function readSlowly(reader: RecordReader): Promise<ReadResult> {
  for (;;) {
    const until = now() + slice;
    const result = reader.readOn(() => now() > until);
    if (result !== undefined) return result;
    await turn();
  }
}

/** undefined where the disk returns errors. */
function readSegment(fs: FileSystem, file: string): Buffer | undefined {
  try {
    return readFile(fs, file);
  } catch (error) {
    if (errorCode(error) !== "EIO") throw error;
    return undefined;
  }
}

/** The directory of a process and those within it, each before the one that contains it, because it was written before that. */
export function directoriesWithin(fs: FileSystem, directory: string): string[] {
  const within = fs
    .readdir(directory)
    .filter(isTakenName)
    .sort()
    .flatMap((name) => directoriesWithin(fs, path.join(directory, name)));
  return [...within, directory];
}

/** `000007-<id>`: the seventh directory that was taken over. */
function isTakenName(name: string): boolean {
  return /^\d{6}-/.test(name) || name.startsWith(movingPrefix);
}
