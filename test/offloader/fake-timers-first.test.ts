// Fake timers that are on before the library is loaded, as with jest's `enableGlobally` or in a setup file: each test runner
// runs test/offloader/programs/fake-timers.
import path from "node:path";
import { expect, it } from "vitest";
import { startProgram } from "../support/process.js";

const root = path.join(import.meta.dirname, "programs/fake-timers");

it.each([
  { runner: "vitest", file: "vitest/vitest.mjs", args: ["run", "--root", root], execArgv: [] },
  { runner: "jest", file: "jest/bin/jest.js", args: ["--rootDir", root], execArgv: ["--experimental-vm-modules"] },
])("of $runner change nothing", async ({ file, args, execArgv }) => {
  const runner = await startProgram(`node_modules/${file}`, { args, execArgv, cwd: root, ready: /./ });
  const { code, stdout, stderr } = await runner.exited;
  expect({ code, output: stdout + stderr }).toEqual({ code: 0, output: expect.stringMatching(/1 passed/) });
});
