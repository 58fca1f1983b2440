// Builds dist/: tsc checks the types, rolldown makes the JavaScript and the declarations.
// The new build takes the place of the old one when it is complete, so that a failed build leaves the last good one,
// and a process that runs from dist never meets half of one.
import { existsSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.js";
import { root, tool } from "./run.js";

const dist = path.join(root, "dist");

/**
 * Builds dist/. Rejects if a tool fails; the tools' own output says why.
 *
 * @param typeErrors what an error that tsc prints means: "fail" (default), or "report" for a build that only has to run
 */
export async function build(typeErrors: "fail" | "report" = "fail"): Promise<void> {
  const next = path.join(root, `dist.next-${process.pid}`);
  const old = path.join(root, `dist.old-${process.pid}`);
  try {
    const checked = tool("typescript/bin/tsc", "-p", "tsconfig.build.json");
    if (!checked && typeErrors === "fail") throw new Error("tsc failed");
    await bundle(next);
    if (existsSync(dist)) renameSync(dist, old);
    renameSync(next, dist);
  } finally {
    for (const directory of [next, old]) rmSync(directory, { recursive: true, force: true });
  }
}

/** Whether dist/ is missing or older than something it is made from. */
export function isStale(): boolean {
  const built = path.join(dist, "index.cjs");
  if (!existsSync(built)) return true;
  const builtAt = statSync(built).mtimeMs;
  const sources = ["src", "workers", "plugins"].flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => path.join(folder, name)),
  );
  return [
    "package.json",
    "scripts/bundle.ts",
    "scripts/chunks.ts",
    "tsconfig.json",
    "tsconfig.build.json",
    ...sources,
  ].some((file) => statSync(path.join(root, file)).mtimeMs > builtAt);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
