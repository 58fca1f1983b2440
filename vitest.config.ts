// The tests: real processes, threads and sockets, so generous failure bounds and no retries that would hide a race.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    // A process for each file: signals, unhandled rejections and heap sizes are the subject of some.
    pool: "forks",
    // One more than the cores of CI: many tests wait for what other processes do.
    maxWorkers: 3,
    isolate: true,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    retry: 0,
    // The built package is tested as Node loads it, not as vite transforms it.
    server: { deps: { external: [/\/dist\//] } },
    reporters: process.env.CI ? ["default", "./test/support/closing-line.ts"] : ["default"],
  },
});
