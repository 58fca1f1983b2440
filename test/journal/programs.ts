// Bundles a program of ./programs once, so that starting it many times does not pay for the compiler.
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "esbuild";
import { afterAll } from "vitest";

const directories: string[] = [];

afterAll(async () => {
  for (const directory of directories) await rm(directory, { recursive: true, force: true });
});

/** The path of the program (of ./programs, or by its path from there on) as one file of JavaScript, which another user can read as well. */
export async function bundled(name: string): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), "program-"));
  directories.push(directory);
  await chmod(directory, 0o755);
  const outfile = path.join(directory, path.basename(name).replace(/\.ts$/, ".mjs"));
  const entry = path.join(import.meta.dirname, "programs", name);
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "error",
  });
  return outfile;
}
