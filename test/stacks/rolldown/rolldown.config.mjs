// An entry has the name of its folder, too: by default rolldown puts all entries into one folder.
export default {
  input: { main: "src/main.ts", "workers/tasks": "src/workers/tasks.ts" },
  platform: "node",
  external: [/^offload-after-response/],
  output: { dir: "dist" },
};
