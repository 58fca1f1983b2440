// What the import of the package loads beyond express and piscina: Node's own modules, files of the package, and CPU time. The floor is
// the time of an empty package with as many files, in the same run. What createOffloader() loads and does comes after it. Prints one
// line of JSON; test/bench/ says what the counts may be. The times depend on the machine: `node bench/imports.mjs`.
// JavaScript, because a loader for TypeScript would load some of it before.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(import.meta.url);
require("express");
require("piscina");
await import("piscina");

const empty = emptyPackage();
const floorMs = await cpuOf(() => import(pathToFileURL(path.join(empty, "index.js")).href));
rmSync(empty, { recursive: true });

const before = new Set(process.moduleLoadList);
const cpuMs = await cpuOf(() => import("offload-after-response"));
const builtin = process.moduleLoadList
  .filter((name) => !before.has(name) && name.startsWith("NativeModule ") && !name.includes("internal/"))
  .map((name) => name.slice("NativeModule ".length));
const files = filesOfPackage();

const { createOffloader } = await import("offload-after-response");
const tasks = new URL("../test/fixtures/output.mjs", import.meta.url);
let offloader;
const createMs = await cpuOf(() => {
  offloader = createOffloader({ tasks, pool: { minThreads: 0 } });
});
console.log(`loaded ${JSON.stringify({ builtin, files, cpuMs, floorMs, createMs, filesOfCreate: filesOfPackage() })}`);
await offloader.close();

async function cpuOf(work) {
  const usage = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(usage);
  return (user + system) / 1_000;
}

function filesOfPackage() {
  return Object.keys(require.cache).filter((file) => /[\\/]dist[\\/][\w-]+\.cjs$/.test(file)).length;
}

function emptyPackage() {
  const folder = mkdtempSync(path.join(tmpdir(), "offload-after-response-empty-"));
  writeFileSync(path.join(folder, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(path.join(folder, "index.js"), 'import link from "./link.cjs";\nexport const { a } = link;\n');
  writeFileSync(path.join(folder, "link.cjs"), 'const { a } = require("./errors.cjs");\nmodule.exports = { a };\n');
  writeFileSync(path.join(folder, "errors.cjs"), "exports.a = 1;\n");
  return folder;
}
