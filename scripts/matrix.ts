// npm run test:matrix: the built package on every Node.js it promises to run on. Without arguments a smoke run, which
// installs the packed tarball and uses it; `-- full` runs the whole suite; version prefixes choose (`-- full 22 26`).
import path from "node:path";
import { build } from "./build.js";
import { nodeBinary, nodeVersions } from "./nodes.js";
import { succeeds } from "./run.js";

const smoke = ["test/package"];

/** Runs the tests on one version, all their child processes included. */
function test(version: string, files: readonly string[]): boolean {
  const node = nodeBinary(version);
  const env = { ...process.env, PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH ?? ""}` };
  const args = ["node_modules/vitest/vitest.mjs", "run", "--reporter=default", ...files];
  return succeeds(node, args, { env });
}

const args = process.argv.slice(2);
const files = args.includes("full") ? [] : smoke;
const prefixes = args.filter((argument) => argument !== "full");
const chosen = nodeVersions.filter(
  (version) => prefixes.length === 0 || prefixes.some((prefix) => version.startsWith(prefix)),
);
if (chosen.length === 0)
  throw new Error(`No version begins with ${prefixes.join(" or ")}; there are ${nodeVersions.join(", ")}`);

await build();
const results = chosen.map((version) => {
  console.log(`\n== Node.js ${version}`);
  return { version, passed: test(version, files) };
});
console.log();
for (const { version, passed } of results) console.log(`Node.js ${version}: ${passed ? "passed" : "failed"}`);
process.exitCode = results.every(({ passed }) => passed) ? 0 : 1;
