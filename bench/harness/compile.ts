// Measured programs run as plain JavaScript, as an application would in production, not through a loader.
import { copyFileSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { buildSync } from "esbuild";
import { build, isStale } from "../../scripts/build.js";
import { root } from "../../scripts/run.js";

const source = path.join(root, "bench");
/** Where the JavaScript of bench/ lies, file by file as in bench/. */
export const compiled: string = path.join(source, "results/build");

/** What programs share with the scripts of bench/, which run without a build. */
const shared = ["cpu-time.mjs", "task-by-hand.mjs"];

/** Brings dist/ and the JavaScript of bench/ up to date. */
export function compile(): void {
  if (isStale()) build("report");
  rmSync(compiled, { recursive: true, force: true });
  const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".ts") && !file.startsWith("results"),
  );
  buildSync({
    entryPoints: files.map((file) => path.join(source, file)),
    outdir: compiled,
    outbase: source,
    format: "esm",
    target: "node20",
    platform: "node",
    logLevel: "warning",
  });
  for (const file of shared) copyFileSync(path.join(source, file), path.join(compiled, file));
}
