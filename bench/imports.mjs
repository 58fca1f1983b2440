// What the import of the package loads beyond express and piscina: Node's own modules, files of the package, and CPU time. Prints it
// as one line of JSON; test/bench/ says what the first two may be. The time depends on the machine: `node bench/imports.mjs`.
// JavaScript, because a loader for TypeScript would load some of it before.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
require("express");
require("piscina");

const before = new Set(process.moduleLoadList);
const usage = process.cpuUsage();
await import("offload-after-response");
const { user, system } = process.cpuUsage(usage);

const builtin = process.moduleLoadList
  .filter((name) => !before.has(name) && name.startsWith("NativeModule ") && !name.includes("internal/"))
  .map((name) => name.slice("NativeModule ".length));
const files = Object.keys(require.cache).filter((file) => /[\\/]dist[\\/][\w-]+\.cjs$/.test(file)).length;
console.log(`loaded ${JSON.stringify({ builtin, files, cpuMs: (user + system) / 1_000 })}`);
