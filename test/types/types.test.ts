// What compiles and what does not, seen by the compiler in a project that uses the built package as a user's does.
// One run of tsc over all fixtures; each comment "// sentence -> words" marks an error in the next line.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";

interface Diagnostic {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

const fixtures = path.join(import.meta.dirname, "fixtures");
const tsc = path.join(import.meta.dirname, "../../node_modules/typescript/bin/tsc");
const marks = ["refused.ts", "refused-payloads.ts"].flatMap(readMarks);
let diagnostics: Diagnostic[];

beforeAll(async () => {
  diagnostics = await compile();
});

describe("the types", () => {
  it("accept what is right, and check the declarations themselves", () => {
    const marked = new Set(marks.map(({ file, line }) => `${file}:${line}`));
    expect(diagnostics.filter(({ file, line }) => !marked.has(`${file}:${line}`))).toEqual([]);
  });

  for (const { file, line, sentence, words } of marks) {
    it(`refuse ${sentence}`, () => {
      const messages = diagnostics.filter((found) => found.file === file && found.line === line);
      expect(messages.map(({ message }) => message).join("\n")).toContain(words);
    });
  }
});

/** Runs tsc; its exit code is 0, or not 0 with diagnostics, which is what the tests look at. */
async function compile(): Promise<Diagnostic[]> {
  const args = [tsc, "-p", fixtures, "--pretty", "false"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: fixtures }).catch((error: unknown) => {
    if (error instanceof Error && "stdout" in error) return { stdout: String(error.stdout) };
    throw error;
  });
  const found: Diagnostic[] = [];
  // A diagnostic is one line "file(line,column): error TSnnnn: ..." and indented ones that say more.
  for (const chunk of stdout.split(/\n(?=\S)/)) {
    const match = /^(.+?)\((\d+),\d+\): (error TS\d+: [\s\S]*)/.exec(chunk);
    if (match) found.push({ file: match[1] ?? "", line: Number(match[2]), message: match[3] ?? "" });
    else if (chunk.trim() !== "") found.push({ file: "", line: 0, message: chunk });
  }
  return found;
}

function readMarks(file: string): { file: string; line: number; sentence: string; words: string }[] {
  const lines = readFileSync(path.join(fixtures, file), "utf8").split("\n");
  return lines.flatMap((text, index) => {
    const match = /^\/\/ (.+) -> (.+)$/.exec(text);
    return match ? [{ file, line: index + 2, sentence: match[1] ?? "", words: match[2] ?? "" }] : [];
  });
}
