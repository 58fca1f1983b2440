// Where people build: a few of the stacks of `npm run test:stacks`, those that are made in seconds from what is installed here.
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type BuildOptions, build } from "esbuild";
import { offloadAfterResponse } from "offload-after-response/esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPackage, createProject, type Packed } from "../../scripts/stacks/install.js";
import { tryStack } from "../../scripts/stacks/try.js";
import { makeDirectory } from "../support/directory.js";
import { startProgram } from "../support/process.js";

let packed: Packed;
beforeAll(() => {
  packed = createPackage();
});
afterAll(() => packed.remove());

describe("60 requests, then SIGTERM, and 60 tasks have run, in an application that is", () => {
  it.each([
    ["bundled by esbuild as a minified ES module, without node_modules", "esbuild-esm"],
    ["bundled by webpack, without node_modules", "webpack"],
    ["built by tsup as CommonJS", "tsup-cjs"],
  ])("%s", { timeout: 120_000 }, async (_, name) => {
    await expect(tryStack(path.join(import.meta.dirname, "../stacks", name), packed.file)).resolves.toBeUndefined();
  });
});

describe("a bundle that is not whole", () => {
  let project: string;
  const away = makeDirectory("bundles");

  beforeAll(() => {
    project = createProject(path.join(import.meta.dirname, "../stacks/esbuild-cjs"), packed.file, []);
  });
  afterAll(() => rmSync(project, { recursive: true, force: true }));

  /** What the program of a bundle writes that is started where nothing is installed. */
  async function outputOf(name: string, options: BuildOptions): Promise<string> {
    const outdir = path.join(away, name);
    const entryPoints = [path.join(project, "src/main.ts")];
    await build({ entryPoints, outdir, bundle: true, platform: "node", logLevel: "silent", ...options });
    const file = path.join(outdir, "main.js");
    const program = await startProgram(file, { execArgv: [], cwd: outdir, env: { PORT: "0" }, ready: /^/ });
    await program.waitFor(/AR_TASKS_NOT_LOADABLE|no task can run/);
    program.kill("SIGKILL");
    return (await program.exited).stderr;
  }

  it("without the tasks says that they have to be an entry, and where they were looked for", async () => {
    const text = await outputOf("tasks", { plugins: [offloadAfterResponse()] });
    expect(text).toContain(
      `"./workers/tasks.js" does not exist; looked for: ${path.join(away, "tasks/workers/tasks.js")}`,
    );
    expect(text).toContain("make it an entry of the bundler");
  });

  it("without the runner says that the library has been bundled, and what to write", async () => {
    const text = await outputOf("runner", {});
    expect(text).toContain("offload-after-response-runner.cjs, has been left behind");
    expect(text).toContain('Make "offload-after-response" and "piscina" external');
  });

  it("with piscina in it says so, also where the application has a worker.js of its own", async () => {
    const tasks = path.join(project, "src/workers/tasks.ts");
    for (const decoy of [false, true]) {
      const outdir = path.join(away, `piscina-${decoy}`);
      mkdirSync(outdir);
      const runner = "offload-after-response-runner.cjs";
      copyFileSync(path.join(project, "node_modules/offload-after-response/dist", runner), path.join(outdir, runner));
      if (decoy) writeFileSync(path.join(outdir, "worker.js"), "");
      await build({
        entryPoints: [tasks],
        outfile: path.join(outdir, "workers/tasks.js"),
        bundle: true,
        platform: "node",
      });
      expect(await outputOf(`piscina-${decoy}`, {})).toContain(
        `piscina has been bundled into ${path.join(outdir, "main.js")}, and its threads load ${path.join(outdir, "worker.js")}`,
      );
    }
  });
});

describe("Jest in CommonJS", () => {
  it("runs the tests of an application through swc", { timeout: 120_000 }, async () => {
    await tryStack(path.join(import.meta.dirname, "../stacks/jest-swc"), packed.file);
  });
});
