// `verify`: reads every file of a journal to its end.
import path from "node:path";
import { openLetter } from "../dead-letters/dead-letter.js";
import { damagedName, deadLettersName } from "../files/directory.js";
import { type FileSystem, readFile } from "../files/file-system.js";
import { readRecords, type Verdict } from "../format/read-records.js";
import { inspectOwners } from "./inspect.js";
import type { CommandContext, CommandResult } from "./list.js";
import { size, table } from "./table.js";

interface VerifiedFile {
  /** From the directory of the journal on. */
  readonly file: string;
  /** `torn`: the last write was cut off, or (of a living process) is under way. */
  readonly verdict: Verdict["kind"];
  readonly bytes: number;
  /** Up to where the records are whole. */
  readonly readUntil: number;
}

const good: readonly Verdict["kind"][] = ["complete", "torn"];

/** Fails when a segment or a letter is damaged; what is set aside already is only named. */
export async function verify(context: CommandContext): Promise<CommandResult> {
  const owners = await inspectOwners(context.fs, context.root);
  const segments = owners.flatMap(({ verdicts }) =>
    verdicts.map(({ segment, verdict }): VerifiedFile => {
      const file = path.relative(context.root, segment.path);
      return { file, verdict: verdict.kind, bytes: segment.size, readUntil: verdict.end };
    }),
  );
  const letters = verifyLetters(context);
  const setAside = namesIn(context.fs, path.join(context.root, damagedName)).map((name) =>
    path.join(damagedName, name),
  );
  const files = [...segments, ...letters];
  const bad = files.filter(({ verdict }) => !good.includes(verdict));
  return { text: verifyText(files, bad, setAside), json: { files, setAside }, code: bad.length > 0 ? 1 : 0 };
}

function verifyLetters({ fs, root }: CommandContext): VerifiedFile[] {
  return namesIn(fs, path.join(root, deadLettersName)).map((name) => {
    const file = path.join(deadLettersName, name);
    const bytes = readFile(fs, path.join(root, file));
    const verdict = readRecords(bytes, () => {});
    // A letter is written whole before it gets its name, so nothing excuses a torn one.
    const whole = verdict.kind === "newer" || openLetter(file, bytes) !== undefined;
    return { file, verdict: whole ? verdict.kind : "damaged", bytes: bytes.length, readUntil: verdict.end };
  });
}

function namesIn(fs: FileSystem, directory: string): string[] {
  try {
    return fs.readdir(directory).sort();
  } catch {
    // It was never made, or is not ours to read; the owners tell more.
    return [];
  }
}

function verifyText(files: readonly VerifiedFile[], bad: readonly VerifiedFile[], setAside: readonly string[]): string {
  const rows = files.map(({ file, verdict, bytes, readUntil }) => [file, verdict, size(bytes), `byte ${readUntil}`]);
  const parts = files.length > 0 ? [table(["FILE", "VERDICT", "SIZE", "READ UNTIL"], rows), ""] : [];
  for (const file of setAside) parts.push(`set aside earlier: ${file}`);
  parts.push(
    `${files.length} file${files.length === 1 ? "" : "s"}, ${bad.length === 0 ? "none damaged" : `${bad.length} damaged`}`,
  );
  return parts.join("\n");
}
