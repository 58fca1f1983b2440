// npm run test:stacks: builds and runs an app in each of the stacks that people use, with the packed package installed.
// Arguments choose stacks by name; `-- short` takes those that need no registry.
//
// A stack is a folder test/stacks/<name>/ with the files of an app and a stack.json. Its app reads PORT, answers GET / and
// dispatches a task for each POST /work/<n>. The task writes n on a line of the file OUTPUT.
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { build } from "./build.js";
import { root } from "./run.js";
import { readStack } from "./stacks/description.js";
import { createPackage } from "./stacks/install.js";
import { tryStack } from "./stacks/try.js";

const folder = path.join(root, "test/stacks");
const wanted = process.argv.slice(2).filter((argument) => argument !== "short");
const short = process.argv.includes("short");

const names = readdirSync(folder)
  .filter((name) => existsSync(path.join(folder, name, "stack.json")))
  .filter((name) => wanted.length === 0 || wanted.some((start) => name.startsWith(start)))
  .filter((name) => !short || readStack(path.join(folder, name)).install.length === 0);
if (names.length === 0) throw new Error(`no stack in test/stacks begins with ${wanted.join(" or ")}`);

await build();
const packed = createPackage();
const failed: string[] = [];
for (const name of names) {
  console.log(`\n== ${name}`);
  const startedAt = Date.now();
  try {
    await tryStack(path.join(folder, name), packed.file);
    console.log(`${name}: passed in ${Math.round((Date.now() - startedAt) / 1_000)} s`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    failed.push(name);
  }
}
packed.remove();
console.log(
  failed.length === 0 ? `\nAll ${names.length} stacks passed.` : `\nFailed: ${failed.join(", ")} of ${names.length}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
