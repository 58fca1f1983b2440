// `verify`: reads every file of a journal to its end.
import path from "node:path";
import { openDeadLetter } from "../dead-letters/dead-letter.js";
import { damagedName, deadLettersName } from "../files/directory.js";
import { type FileSystem, readFile } from "../files/file-system.js";
import { type ReadOutcome, readRecords } from "../format/read-records.js";
import { type CommandContext, type CommandResult, count } from "./command.js";
import { inspectOwners } from "./inspect.js";
import { size, table } from "./table.js";

interface VerifiedFile {
  /** From the directory of the journal on. */
  readonly file: string;
  /** `torn`: the last write was cut short or, by a living process, is not complete yet. */
  readonly result: ReadOutcome;
  readonly bytes: number;
  /** Up to where the records are whole. */
  readonly readUntil: number;
  /** Of a damaged segment: the ids of the tasks that do not run because of the damage, as far as they can be read. */
  readonly notRun: readonly string[];
}

const good: readonly ReadOutcome[] = ["complete", "torn"];

/** Fails when a segment or a dead letter is damaged. Segments that were kept as damaged before are only named. */
export async function verify(context: CommandContext): Promise<CommandResult> {
  const owners = await inspectOwners(context.fs, context.root);
  const segments = owners.flatMap((owner) =>
    owner.segments.map(({ segment, result, notRun }): VerifiedFile => {
      const file = path.relative(context.root, segment.path);
      return { file, result: result.outcome, bytes: segment.size, readUntil: result.end, notRun };
    }),
  );
  const setAside = namesIn(context.fs, path.join(context.root, damagedName)).map((name) =>
    path.join(damagedName, name),
  );
  const files = [...segments, ...verifyDeadLetters(context)];
  const bad = files.filter(({ result }) => !good.includes(result));
  return { text: verifyText(files, bad, setAside), json: { files, setAside }, code: bad.length > 0 ? 1 : 0 };
}

function verifyDeadLetters({ fs, root }: CommandContext): VerifiedFile[] {
  return namesIn(fs, path.join(root, deadLettersName)).map((name) => {
    const file = path.join(deadLettersName, name);
    const bytes = bytesOf(fs, path.join(root, file));
    const { outcome, end } = readRecords(bytes, () => {});
    // A dead letter gets its name once it is written whole, so a torn one is damaged.
    const isWhole = outcome === "newer" || openDeadLetter(file, bytes) !== undefined;
    return { file, result: isWhole ? outcome : "damaged", bytes: bytes.length, readUntil: end, notRun: [] };
  });
}

/** Nothing where it cannot be read. */
function bytesOf(fs: FileSystem, file: string): Buffer {
  try {
    return readFile(fs, file);
  } catch {
    return Buffer.alloc(0);
  }
}

function namesIn(fs: FileSystem, directory: string): string[] {
  try {
    return fs.readdir(directory).sort();
  } catch {
    // It does not exist, or this user cannot read it: then the directories of the owners fail too.
    return [];
  }
}

function verifyText(files: readonly VerifiedFile[], bad: readonly VerifiedFile[], setAside: readonly string[]): string {
  const rows = files.map(({ file, result, bytes, readUntil }) => [file, result, size(bytes), `byte ${readUntil}`]);
  const parts = files.length > 0 ? [table(["FILE", "RESULT", "SIZE", "READ UNTIL"], rows), ""] : [];
  for (const { file, notRun } of files)
    if (notRun.length > 0) parts.push(`accepted in ${file} and not run: ${notRun.join(" ")}`);
  for (const file of setAside) parts.push(`damaged, and kept: ${file}`);
  parts.push(`${count(files.length, "file")}, ${bad.length === 0 ? "none damaged" : `${bad.length} damaged`}`);
  return parts.join("\n");
}
