// An ES module, minified, in one folder that needs no node_modules.
const { build } = require("esbuild");
const { offloadAfterResponse } = require("offload-after-response/esbuild");

build({
  entryPoints: ["src/main.ts"],
  bundle: true,
  minify: true,
  platform: "node",
  format: "esm",
  outfile: "dist/main.mjs",
  outExtension: { ".js": ".mjs" },
  plugins: [offloadAfterResponse({ tasks: "src/workers/tasks.ts" })],
});
