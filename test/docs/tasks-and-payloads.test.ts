// docs/tasks-and-payloads.md shows what the compiler says, word for word.
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { documents, filesOf, writeDocuments } from "./documents.js";

const name = "tasks-and-payloads";
const compiler = path.join(import.meta.dirname, "../../node_modules/typescript/bin/tsc");
const options = [
  "--module",
  "nodenext",
  "--target",
  "es2022",
  "--strict",
  "--skipLibCheck",
  "--noEmit",
  "--types",
  "node",
];

it("docs/tasks-and-payloads.md shows the error of the call that it marks", async () => {
  const text = (await documents()).get(name) ?? "";
  // Without its mark the error is reported. An empty comment keeps the line numbers.
  const files = filesOf(text).map((file) => ({ ...file, text: file.text.replace("// @ts-expect-error", "//") }));
  const { directory, remove } = await writeDocuments(new Map([[name, files]]));
  try {
    const program = files.at(-1)?.name ?? "";
    const run = promisify(execFile)(process.execPath, [compiler, ...options, program], {
      cwd: path.join(directory, name),
    });
    const { stdout } = await run.catch((error: { stdout: string }) => error);
    const [, shown] = /^```text\n(.*?)^```$/ms.exec(text) ?? [];
    expect(numbered(stdout.trim())).toBe(shown?.trim());
  } finally {
    await remove();
  }
});

/** Line numbers as a reader counts them: the comment with the name of the file is no line of the written file. */
function numbered(diagnostic: string): string {
  return diagnostic.replace(/\((\d+),/, (_, line) => `(${Number(line) + 1},`);
}
