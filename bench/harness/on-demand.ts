// Packages that cannot be dev dependencies, since installing them may need a compiler: installed when a benchmark asks for
// one, below node_modules/.cache, where the next run finds them.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root } from "../../scripts/run.js";

// For a compiler, on a slow machine.
const patienceMs = 240_000;

/**
 * Installs a package, its install scripts included, unless it is there.
 *
 * @param works a program in CommonJS that ends well if the package works; it is at `process.argv[1]`
 * @returns its folder, or undefined if it cannot be had or does not work; `say` has been told why
 */
export function installOnDemand(
  name: string,
  version: string,
  works: string,
  say: (line: string) => void,
): string | undefined {
  const { modules } = process.versions;
  const prefix = path.join(root, "node_modules/.cache/offload-after-response", `${name}-${version}-abi${modules}`);
  const folder = path.join(prefix, "node_modules", name);
  if (!existsSync(folder)) {
    say(`installing ${name} ${version}; where there is no binary for it, it is compiled, which takes a minute or two`);
    mkdirSync(prefix, { recursive: true });
    // npm 11 and later runs the install scripts of the packages that are named here alone.
    const manifest = { private: true, allowScripts: { [name]: true } };
    writeFileSync(path.join(prefix, "package.json"), JSON.stringify(manifest));
    const quiet = [
      "--no-save",
      "--no-package-lock",
      "--no-audit",
      "--no-fund",
      "--loglevel=error",
      "--fetch-retries=1",
    ];
    const { status, stderr } = spawnSync("npm", ["install", "--prefix", prefix, ...quiet, `${name}@${version}`], {
      cwd: prefix,
      encoding: "utf8",
      shell: process.platform === "win32",
      timeout: patienceMs,
    });
    if (status !== 0) {
      say(`LEFT OUT: ${name} ${version} could not be installed: ${beginning(stderr)}`);
      rmSync(prefix, { recursive: true, force: true });
      return undefined;
    }
  }
  const { status, signal } = spawnSync(process.execPath, ["-e", works, folder], { stdio: "ignore" });
  if (status === 0) return folder;
  say(`LEFT OUT: ${name} ${version} does not work on Node.js ${process.version}: ended with ${signal ?? status}`);
  // What a run that was broken off has left would not get better.
  rmSync(prefix, { recursive: true, force: true });
  return undefined;
}

/** npm begins with the code of its error, and ends with where its log is. */
function beginning(text: string | null): string {
  return text?.trim().split("\n", 3).join("; ") || "npm did not say why";
}
