// The JavaScript of the package. The declarations come from tsc (see `npm run build`).
import { defineConfig, type Options } from "tsup";

const common: Options = {
  format: "esm",
  target: "node20",
  platform: "node",
  sourcemap: true,
  clean: true,
  dts: false,
};

// What a task may delete or replace under the runner. The runner's file takes them once, at its start, before any task.
const intrinsics = [
  "AbortController, Array, ArrayBuffer, Atomics, BigInt, Buffer, DOMException, Date, Error, Float32Array, Float64Array, Function",
  "Int32Array, JSON, Map, Math, Number, Object, Promise, Proxy, RangeError, Reflect, RegExp, Set, String, Symbol, TypeError",
  "Uint8Array, WeakMap, WeakSet, clearInterval, clearTimeout, performance, process, queueMicrotask, setImmediate, setInterval",
  "setTimeout",
].join(", ");

export default defineConfig([
  // One build for all that share classes: the testing kit reads the tasks of an offloader.
  {
    ...common,
    entry: {
      index: "src/index.ts",
      worker: "workers/worker.ts",
      cli: "src/journal/cli/cli.ts",
      testing: "src/testing/index.ts",
      "testing-vitest": "src/testing/vitest.ts",
      "testing-jest": "src/testing/jest.ts",
    },
  },
  // The runner is a file of its own, whole: threads load it, and whoever bundles the library may have to copy it. Its name
  // is unlike anything an application has in its `dist`, since bundlers have put our code next to such files.
  // CommonJS, for Piscina loads it by require(), and up to Node 22 the whole process aborts when a thread is terminated
  // while it requires an ES module (v8::Module::IsGraphAsync; seen on 20.20 and 22.23, 1 in 500 at that moment).
  {
    ...common,
    entry: { "offload-after-response-runner": "workers/runner.ts" },
    format: "cjs",
    outExtension: () => ({ js: ".cjs" }),
    splitting: false,
    clean: false,
    banner: { js: `"use strict"; const { ${intrinsics} } = globalThis;` },
  },
]);
