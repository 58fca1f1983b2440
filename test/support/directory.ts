// A temporary directory that is removed after the tests of a file: once the programs that write into it have ended, because
// process.ts imports this file, and hooks registered first run last.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll } from "vitest";

const directories: string[] = [];

afterAll(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

/** @param name stands in the directory's own, for whoever finds it left behind */
export function makeDirectory(name = "test"): string {
  const directory = mkdtempSync(path.join(tmpdir(), `offload-after-response-${name}-`));
  directories.push(directory);
  return directory;
}
