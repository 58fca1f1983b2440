// A temporary directory that is removed after the tests of a file.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll } from "vitest";

const directories: string[] = [];

afterAll(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

export function makeDirectory(): string {
  const directory = mkdtempSync(path.join(tmpdir(), "offload-after-response-"));
  directories.push(directory);
  return directory;
}
