// The tasks module is an entry of its own, because the threads load it as a file.
export default (options) => ({
  ...options,
  entry: { main: options.entry, "workers/tasks": "./src/workers/tasks.ts" },
  output: { ...options.output, filename: "[name].js" },
});
