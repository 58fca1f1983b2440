// Packages that cannot be dev dependencies, because installing them may need a compiler or another Node.js: installed when a
// benchmark asks for one, below node_modules/.cache, where the next run finds them.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root } from "../../scripts/run.js";

/** What is installed. */
export interface OnDemand {
  readonly name: string;
  readonly version: string;
  /** A program in CommonJS that ends well if the package works. The folder of the package is at `process.argv[1]`. */
  readonly works: string;
  /** Packages that are installed beside it, with their versions. */
  readonly beside?: Readonly<Record<string, string>>;
  /** npm's `overrides`: versions that its dependencies do not ask for. */
  readonly overrides?: Readonly<Record<string, string>>;
  /** Default true: its own install script runs. */
  readonly scripts?: boolean;
  /** The binary of Node.js on which it has to work. Default: this one. */
  readonly node?: string;
}

// For a compiler, on a slow machine.
const patienceMs = 240_000;

/**
 * Installs a package unless it is there.
 *
 * @returns its folder, or undefined if it cannot be had or does not work; `say` has been told why
 */
export function installOnDemand(wanted: OnDemand, say: (line: string) => void): string | undefined {
  const { name, version, works, node = process.execPath } = wanted;
  const { modules } = process.versions;
  const prefix = path.join(root, "node_modules/.cache/offload-after-response", `${name}-${version}-abi${modules}`);
  const folder = path.join(prefix, "node_modules", name);
  if (!existsSync(folder)) {
    say(`installing ${name} ${version}; where there is no binary for it, it is compiled, which takes a minute or two`);
    const problem = install(prefix, wanted);
    if (problem !== undefined) {
      say(`LEFT OUT: ${name} ${version} could not be installed: ${problem}`);
      rmSync(prefix, { recursive: true, force: true });
      return undefined;
    }
  }
  const { status, signal } = spawnSync(node, ["-e", works, folder], { stdio: "ignore" });
  if (status === 0) return folder;
  say(`LEFT OUT: ${name} ${version} does not work on ${node}: ended with ${signal ?? status}`);
  // What a run that was broken off has left would not get better.
  rmSync(prefix, { recursive: true, force: true });
  return undefined;
}

/** Returns why it could not be installed. */
function install(
  prefix: string,
  { name, version, beside = {}, overrides = {}, scripts = true }: OnDemand,
): string | undefined {
  mkdirSync(prefix, { recursive: true });
  // npm 11 and later runs the install scripts of the packages that are named here alone.
  const allowScripts = scripts ? { [name]: true } : {};
  const manifest = { private: true, dependencies: { [name]: version, ...beside }, overrides, allowScripts };
  writeFileSync(path.join(prefix, "package.json"), JSON.stringify(manifest));
  const flags = ["--no-save", "--no-package-lock", ...(scripts ? [] : ["--ignore-scripts"])];
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1"];
  const { status, stderr } = spawnSync("npm", ["install", "--prefix", prefix, ...flags, ...quiet], {
    cwd: prefix,
    encoding: "utf8",
    shell: process.platform === "win32",
    timeout: patienceMs,
  });
  return status === 0 ? undefined : beginning(stderr);
}

/** npm begins with the code of its error, and ends with where its log is. */
function beginning(text: string | null): string {
  return text?.trim().split("\n", 3).join("; ") || "npm did not say why";
}
