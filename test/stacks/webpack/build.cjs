// One folder that needs no node_modules.
const webpack = require("webpack");
const { OffloadAfterResponsePlugin } = require("offload-after-response/webpack");

webpack(
  {
    mode: "production",
    target: "node",
    entry: { main: "./src/main.js" },
    output: { filename: "[name].js" },
    plugins: [new OffloadAfterResponsePlugin({ tasks: "src/workers/tasks.js" })],
  },
  (error, stats) => {
    if (error) throw error;
    console.log(stats.toString("errors-warnings"));
    process.exitCode = stats.hasErrors() ? 1 : 0;
  },
);
