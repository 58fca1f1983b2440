// Checks documents against TypeScript types as literals, by the compiler itself: unlike the JSON schemas of Kubernetes, which
// let every unknown field pass, it names each one. What the API server refuses with `kubectl apply --validate=strict`, it does.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const packages = path.join(import.meta.dirname, "../../node_modules");

export interface TypedDocument {
  readonly document: unknown;
  /** The name of an exported type, and of the module that exports it. */
  readonly type: string;
  readonly from: string;
}

/** What the compiler says of the documents; nothing if each is of its type. */
export async function typeErrors(documents: readonly TypedDocument[]): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), "after-response-documents-"));
  try {
    symlinkSync(packages, path.join(folder, "node_modules"), "dir");
    writeFileSync(path.join(folder, "package.json"), JSON.stringify({ type: "module" }));
    const compilerOptions = { module: "NodeNext", strict: true, noEmit: true, skipLibCheck: true, types: [] };
    writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
    for (const [index, { document, type, from }] of documents.entries()) {
      const text = `import type { ${type} } from "${from}";\nexport const document: ${type} = ${JSON.stringify(document, null, 2)};\n`;
      writeFileSync(path.join(folder, `document-${index}.ts`), text);
    }
    const run = promisify(execFile)(process.execPath, [path.join(packages, "typescript/bin/tsc")], { cwd: folder });
    const { stdout } = await run.catch((error: { stdout: string }) => error);
    return stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
