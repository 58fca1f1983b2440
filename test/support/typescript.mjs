// Runs the TypeScript of tests: `node --import ./test/support/typescript.mjs program.ts`. Loading tsx takes a process 0.3 s of CPU,
// and the suite starts hundreds. This takes a tenth of it, because what has been compiled is kept. Threads have no use for it:
// their tasks are JavaScript, or the library finds out how to load them.
import module from "node:module";
import { isMainThread } from "node:worker_threads";

if (isMainThread) {
  process.setSourceMapsEnabled(true);
  // Node.js 20 has only hooks on a thread of their own, which later versions call deprecated.
  if (module.registerHooks === undefined) module.register("./typescript-hooks.mjs", import.meta.url);
  else module.registerHooks(await import("./typescript-hooks.mjs"));
}
