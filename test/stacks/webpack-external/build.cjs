// The packages stay in node_modules, the tasks are a second entry.
const webpack = require("webpack");

webpack(
  {
    mode: "development",
    target: "node",
    entry: {
      main: "./src/main.js",
      "workers/tasks": { import: "./src/workers/tasks.js", library: { type: "commonjs2" } },
    },
    output: { filename: "[name].js" },
    externals: [/^offload-after-response/, "piscina"],
    externalsType: "commonjs",
  },
  (error, stats) => {
    if (error) throw error;
    console.log(stats.toString("errors-warnings"));
    process.exitCode = stats.hasErrors() ? 1 : 0;
  },
);
