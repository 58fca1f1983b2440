// The complete code blocks of docs/ compile, as strict as a careful user's project.
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { documents, filesOf, writeDocuments } from "./documents.js";

const compiler = path.join(import.meta.dirname, "../../node_modules/typescript/bin/tsc");
const compilerOptions = {
  module: "NodeNext",
  target: "ES2023",
  strict: true,
  noUnusedLocals: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
  noEmit: true,
  types: ["node"],
};

it("the complete code blocks of the documents compile", async () => {
  const texts = await documents();
  const files = new Map([...texts].map(([document, text]) => [document, filesOf(text)]));
  const { directory, remove } = await writeDocuments(files);
  try {
    const commonJs = { ...compilerOptions, module: "commonjs", moduleResolution: "bundler" };
    for (const [name, config] of Object.entries({
      "modules.json": { compilerOptions, exclude: ["*/commonjs", "node_modules"] },
      "commonjs.json": { compilerOptions: commonJs, include: ["*/commonjs"] },
    })) {
      await writeFile(path.join(directory, name), JSON.stringify(config));
      const run = promisify(execFile)(process.execPath, [compiler, "-p", name], { cwd: directory });
      const { stdout } = await run.catch((error: { stdout: string }) => error);
      expect(stdout).toBe("");
    }
  } finally {
    await remove();
  }
  // There is something to compile, and no document means two things by one file name.
  expect([...files.values()].flat().length).toBeGreaterThan(0);
  for (const [document, sources] of files) {
    const names = sources.map(({ name }) => `${document}: ${name}`);
    expect(names).toEqual([...new Set(names)]);
  }
});
