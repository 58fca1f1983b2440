import { defineConfig } from "nitro";

export default defineConfig({ serverDir: "server", traceDeps: ["offload-after-response"] });
