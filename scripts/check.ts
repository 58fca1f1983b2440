// npm run check: everything about the repository that is not shown by running the code. Each check runs, also after
// one has failed, so that one run tells all. `npm run check -- types lint` runs these two alone.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "./build.js";
import { lockfileProblems } from "./lockfile.js";
import { npm, root, tool } from "./run.js";

const packed = mkdtempSync(path.join(tmpdir(), "offload-after-response-packed-"));

const checks: Record<string, () => boolean | Promise<boolean>> = {
  async build() {
    await build();
    return true;
  },
  types: () => tool("typescript/bin/tsc", "--noEmit"),
  lint: () => tool("@biomejs/biome/bin/biome", "check", "--error-on-warnings", "."),
  unused: () => tool("knip/bin/knip.js"),
  lockfile() {
    const [manifest, lockfile] = ["package.json", "package-lock.json"].map((file) => {
      return JSON.parse(readFileSync(path.join(root, file), "utf8"));
    });
    const problems = lockfileProblems(manifest, lockfile);
    for (const problem of problems) console.error(problem);
    return problems.length === 0;
  },
  package: () => tool("publint/src/cli.js", "run", tarball(), "--strict"),
  exports: () => tool("@arethetypeswrong/cli/dist/index.js", tarball(), "--no-emoji"),
};

/** The package as it would be published. Packed once, from the dist that the first check has built. */
function tarball(): string {
  if (readdirSync(packed).length === 0) {
    const packs = npm("pack", "--ignore-scripts", "--silent", "--pack-destination", packed);
    if (!packs) throw new Error("npm pack failed");
  }
  const [file] = readdirSync(packed);
  if (file === undefined) throw new Error("npm pack wrote nothing");
  return path.join(packed, file);
}

const wanted = process.argv.slice(2);
const failed: string[] = [];
for (const [name, check] of Object.entries(checks)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(`\n== ${name}`);
  try {
    if (!(await check())) failed.push(name);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    failed.push(name);
  }
}
rmSync(packed, { recursive: true, force: true });
console.log(failed.length === 0 ? "\nAll checks passed." : `\nFailed: ${failed.join(", ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;
