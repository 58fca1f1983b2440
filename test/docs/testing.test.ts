// docs/testing.md: its recipes run in the runners that they are written for, and each test process ends by itself.
import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Exit, startProgram } from "../support/process.js";
import { documents, filesOf, writeDocuments } from "./documents.js";

const root = path.join(import.meta.dirname, "../..");
const vitest = path.join(root, "node_modules/vitest/vitest.mjs");
const jest = path.join(root, "node_modules/jest/bin/jest.js");

describe("the recipes of docs/testing.md", () => {
  let project: { directory: string; remove(): Promise<void> };
  let folder: string;

  beforeAll(async () => {
    const page = (await documents()).get("testing") ?? "";
    project = await writeDocuments(new Map([["testing", [...filesOf(page), ...filesOf(page, "js")]]]));
    folder = path.join(project.directory, "testing");
    // The package is a link here, which vite would follow and transform. In node_modules it would leave it alone.
    const external = "server: { deps: { external: [/\\/dist\\//] } }";
    const config = `export default { test: { exclude: ["commonjs/**"], ${external} } };\n`;
    await writeFile(path.join(folder, "vitest.config.mjs"), config);
  });
  afterAll(() => project.remove());

  it.each(["forks", "threads"])("run in vitest with the pool %s", async (pool) => {
    const { code, stdout, stderr } = await run(vitest, ["run", "--pool", pool, "--maxWorkers", "1"]);
    expect(code, stdout + stderr).toBe(0);
    expect(plain(stdout)).toMatch(/Test Files {2}5 passed \(5\)/);
    expect(plain(stdout)).toMatch(/Tests {2}8 passed \(8\)/);
  });

  it("run in node:test", async () => {
    const { code, stdout, stderr } = await run(path.join(folder, "photos.node.ts"), [], ["--import", "tsx", "--test"]);
    expect(code, stdout + stderr).toBe(0);
    expect(stdout).toMatch(/pass 2$/m);
    // Nothing that was kept is reported as lost.
    expect(stdout + stderr).not.toMatch(/unfinished/);
  });

  it("run in jest, as ES modules", async () => {
    const { code, stdout, stderr } = await run(jest, ["--runInBand"], ["--experimental-vm-modules"]);
    expect(code, stdout + stderr).toBe(0);
    // It writes its report to stderr.
    expect(stderr).toMatch(/Test Suites: 2 passed, 2 total/);
    expect(stderr).toMatch(/Tests: +3 passed, 3 total/);
    expect(stderr).not.toMatch(/did not exit/);
  });

  describe("for jest in CommonJS", () => {
    const babel = `{ "\\\\.ts$": ["babel-jest", { presets: [["@babel/env", { targets: { node: 20 } }], "@babel/typescript"] }] }`;

    beforeAll(async () => {
      await writeFile(
        path.join(folder, "commonjs/babel.jest.config.js"),
        `module.exports = { transform: ${babel} };\n`,
      );
    });

    it.each(["jest.config.js", "babel.jest.config.js"])("run with %s, and end by themselves", async (config) => {
      const { code, stderr } = await runIn("commonjs", jest, ["--runInBand", "--config", config]);
      expect(code, stderr).toBe(0);
      expect(stderr).toMatch(/Tests: +2 passed, 2 total/);
      expect(stderr).not.toMatch(/did not exit/);
    });

    it("run without the option `tasks`, also inline: the mocks of jest reach the tasks", async () => {
      await replaceIn("commonjs/mocked.test.ts", ', tasks: () => import("./workers/images")', "");
      const { code, stderr } = await runIn("commonjs", jest, ["mocked"]);
      expect(code, stderr).toBe(0);
    });

    it("say what to write where import() is not compiled", async () => {
      await replaceIn(
        "commonjs/mocked.test.ts",
        '"inline"',
        '"inline", tasks: new Function("return import(\'./x.js\')")',
      );
      const { code, stderr } = await runIn("commonjs", jest, ["mocked"]);
      expect(code).toBe(1);
      expect(stderr).toContain('write tasks: () => require("./tasks.js")');
    });
  });

  it.each<[string, () => Promise<Exit>]>([
    ["vitest", () => run(vitest, ["run", "express", "--maxWorkers", "1"])],
    ["jest", () => run(jest, ["photos", "--runInBand"], ["--experimental-vm-modules"])],
  ])("end by themselves in %s where a test forgets closeAll()", async (_runner, start) => {
    for (const name of ["express.test.ts", "photos.jest.ts"]) {
      const file = path.join(folder, name);
      const text = await readFile(file, "utf8");
      await writeFile(file, text.replace(/^afterAll.*closeAll.*$/m, "afterAll(() => {});"));
    }
    const { code, stdout, stderr } = await start();
    expect(code, stdout + stderr).toBe(0);
    expect(stdout + stderr).not.toMatch(/close timed out|unfinished task/);
  });

  function run(file: string, args: string[], execArgv: string[] = []): Promise<Exit> {
    return runIn(".", file, args, execArgv);
  }

  async function runIn(where: string, file: string, args: string[], execArgv: string[] = []): Promise<Exit> {
    const program = await startProgram(file, { args, execArgv, cwd: path.join(folder, where), ready: /./ });
    return program.exited;
  }

  async function replaceIn(name: string, part: string, replacement: string): Promise<void> {
    const file = path.join(folder, name);
    const text = await readFile(file, "utf8");
    expect(text).toContain(part);
    await writeFile(
      file,
      text.replace(part, () => replacement),
    );
  }
});

it("the page has the rows of the conformance suite that are about inline", () => {
  const suite = readFileSync(path.join(root, "test/engine/conformance.ts"), "utf8");
  const page = readFileSync(path.join(root, "docs/testing.md"), "utf8").replaceAll("`", "");
  const rows = [...suite.matchAll(/^\/\/ \| (blocks|goes on after|calls process|leaves a rejection)([^|]*)\|/gm)];
  expect(rows).toHaveLength(4);
  for (const [, begin = "", rest = ""] of rows) expect(page).toContain(`| ${begin}${rest.trimEnd()} |`);
});

function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours of vitest
  return text.replace(/\u001b\[\d+m/g, "");
}
