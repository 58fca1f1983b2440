// One folder that needs no node_modules.
const { build } = require("esbuild");
const { offloadAfterResponse } = require("offload-after-response/esbuild");

build({
  entryPoints: ["src/main.ts"],
  bundle: true,
  platform: "node",
  outdir: "dist",
  plugins: [offloadAfterResponse({ tasks: "src/workers/tasks.ts" })],
});
