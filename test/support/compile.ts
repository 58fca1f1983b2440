// The compiler's word on files that are made up in a test: documents as literals, the code of a document.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const root = path.join(import.meta.dirname, "../..");

/**
 * What `tsc` says of the files, which may import what the tests may, and `offload-after-response` as it is built.
 *
 * @param files their text by their name
 */
export async function compilerErrors(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), "offload-after-response-compile-"));
  try {
    symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"), "dir");
    const compilerOptions = {
      module: "NodeNext",
      target: "ES2022",
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: ["node"],
      paths: { "offload-after-response": [path.join(root, "dist/index.d.ts")] },
    };
    writeFileSync(path.join(folder, "package.json"), JSON.stringify({ type: "module" }));
    writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
    const compiler = path.join(root, "node_modules/typescript/bin/tsc");
    const run = promisify(execFile)(process.execPath, [compiler], { cwd: folder });
    const { stdout } = await run.catch((error: { stdout: string }) => error);
    return stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
