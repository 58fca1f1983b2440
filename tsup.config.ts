// The JavaScript of the package. The declarations come from tsc (see `npm run build`).
import { defineConfig } from "tsup";

export default defineConfig({
  // The runner is an entry of its own: it must exist as a file, for the threads load it. Its name is unlike
  // anything an application has in its `dist`, since bundlers have put our code next to such files.
  entry: {
    index: "src/index.ts",
    worker: "workers/worker.ts",
    "after-response-runner": "workers/runner.ts",
  },
  format: "esm",
  target: "node20",
  platform: "node",
  splitting: true,
  sourcemap: true,
  clean: true,
  dts: false,
});
