// A project of a user's: an empty folder outside of the repository with the packed package installed in it.
import { execFile } from "node:child_process";
import { cp, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const root = path.join(import.meta.dirname, "../..");

export interface Project {
  /** Its folder. */
  readonly directory: string;
  /** Copies a folder of fixtures into the project; returns where it is. */
  add(fixture: string): Promise<string>;
  remove(): Promise<void>;
}

/** Packs the built package and installs it. */
export async function createProject(): Promise<Project> {
  const directory = await realpath(await mkdtemp(path.join(tmpdir(), "offload-after-response-project-")));
  const { file } = await pack(directory);
  await writeFile(
    path.join(directory, "package.json"),
    JSON.stringify({ name: "project", private: true, type: "module" }),
  );
  await npm(directory, "install", "--prefer-offline", "--no-audit", "--no-fund", file);
  return {
    directory,
    async add(fixture) {
      const target = path.join(directory, fixture);
      await cp(path.join(import.meta.dirname, "fixtures", fixture), target, { recursive: true });
      return target;
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** Packs the built package into a folder; returns the tarball, its size in bytes, and the paths in it, sorted. */
export async function pack(directory: string): Promise<{ file: string; contents: string[]; size: number }> {
  // Without scripts: packing would build dist/ anew, under the feet of the tests that run beside this one.
  const report = await npm(root, "pack", "--ignore-scripts", "--json", "--pack-destination", directory);
  const [packed]: { filename: string; size: number; files: { path: string }[] }[] = JSON.parse(report);
  if (packed === undefined) throw new Error(`npm pack reported nothing: ${report}`);
  const contents = packed.files.map((each) => each.path).sort();
  return { file: path.join(directory, packed.filename), contents, size: packed.size };
}

async function npm(cwd: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)("npm", args, { cwd, shell: process.platform === "win32" });
  return stdout;
}
