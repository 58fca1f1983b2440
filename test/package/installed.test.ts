// The package as a user gets it: packed, installed into an empty project, and used there in every way it promises.
import { execFile } from "node:child_process";
import { readFile, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startProgram } from "../support/process.js";
import { createProject, type Project } from "./project.js";

const modules = path.join(import.meta.dirname, "../../node_modules");
let project: Project;

beforeAll(async () => {
  project = await createProject();
}, 120_000);
afterAll(() => project?.remove());

describe("the installed package", () => {
  it("works from an ES module", async () => {
    const folder = await project.add("esm");
    await serveOneTask(path.join(folder, "main.mjs"));
  });

  it("works from CommonJS, by require()", async () => {
    const folder = await project.add("cjs");
    await serveOneTask(path.join(folder, "main.cjs"));
  });

  it("keeps one object of each class that V8 has compiled, and lets go of the payload", async () => {
    const folder = await project.add("kept");
    const program = await startProgram(path.join(folder, "main.mjs"), { execArgv: [], ready: /payload (\w+)/ });
    const { stdout, code } = await program.exited;
    expect(stdout).toContain("kept Walk ByteWriter StreamReader ByteReader TextReader PayloadBytes\n");
    expect(stdout).toContain("payload false\n");
    expect(code).toBe(0);
  });
});

describe("the testing kit of the installed package", () => {
  it.each(["import", "require"])("finds the inside of an offloader where both come by %s", async (by) => {
    const folder = await project.add("testing");
    const main = path.join(folder, "main.mjs");
    const env = { OUTPUT: `${main}.${by}` };
    const program = await startProgram(main, {
      args: [by],
      execArgv: [],
      cwd: project.directory,
      env,
      ready: /^kept/m,
    });
    const { code, stdout, stderr } = await program.exited;
    expect({
      code,
      stderr: stderr
        .replace(/^.*ExperimentalWarning.*\n.*trace-warnings.*\n/, "")
        .replace(/^.* info: ready for tasks .*\n/m, ""),
    }).toEqual({
      code: 0,
      stderr: "",
    });
    expect(stdout).toContain('kept {"succeeded":1,"failed":0,"cancelled":0,"retrying":0} succeeded');
    expect(await readFile(env.OUTPUT, "utf8")).toBe("tested");
  });
});

describe("the installed package in TypeScript", () => {
  let out: string;

  beforeAll(async () => {
    const folder = await project.add("typescript");
    out = path.join(folder, "out");
    // The user's own development dependencies.
    await symlink(path.join(modules, "@types"), path.join(project.directory, "node_modules/@types"));
    await execute(path.join(modules, "typescript/bin/tsc"), "-p", folder);
  });

  it("compiles with nodenext, its declarations included, and works", async () => {
    await serveOneTask(path.join(out, "main.js"));
  });

  it("compiles in a CommonJS module, and works", async () => {
    const { file, text } = await runProgram(path.join(out, "common.cjs"), /^started$/m, async () => {});
    expect(await readFile(file, "utf8")).toBe("/common");
    expect(text).toContain("length 7");
  });
});

describe("the installed package in a bundle with piscina external", () => {
  it("works as an ES module", async () => {
    const folder = await project.add("esm");
    await serveOneTask(await bundle(folder, "esm", ".mjs"));
  });

  it("works as CommonJS, where there is no import.meta.url", async () => {
    const folder = await project.add("cjs");
    await serveOneTask(await bundle(folder, "cjs", ".cjs"));
  });
});

/** Bundles main and tasks of a folder, as a user would for a deployment; returns the path of the bundled main. */
async function bundle(folder: string, format: "esm" | "cjs", extension: string): Promise<string> {
  const outdir = path.join(folder, "bundle");
  const { warnings } = await build({
    entryPoints: ["main", "tasks"].map((name) => path.join(folder, name + extension)),
    outdir,
    outExtension: { ".js": extension },
    bundle: true,
    platform: "node",
    format,
    external: ["piscina"],
    logLevel: "silent",
  });
  expect(warnings.map(({ text }) => text)).toEqual([]);
  // The application has a file of a name that is common in packages, beside the bundle: a decoy for whoever resolves
  // the code of the threads by such a name.
  await writeFile(path.join(outdir, "worker.js"), "throw new Error('This is the application, not the library.');\n");
  return path.join(outdir, `main${extension}`);
}

/** Starts a server, has it dispatch a task after a response, ends it while the task runs; the task must be done. */
async function serveOneTask(main: string): Promise<void> {
  const { file } = await runProgram(main, /^listening (\d+)$/m, async (url) => {
    const response = await fetch(`${url}/from-the-test`, { method: "POST" });
    expect(response.status).toBe(202);
  });
  expect(await readFile(file, "utf8")).toBe("/from-the-test");
}

/** Runs a program, waits until its task has begun, and ends it by SIGTERM. */
async function runProgram(
  main: string,
  ready: RegExp,
  use: (url: string) => Promise<void>,
): Promise<{ file: string; text: string }> {
  const file = `${main}.output`;
  const program = await startProgram(main, { execArgv: [], cwd: project.directory, env: { OUTPUT: file }, ready });
  await use(program.url);
  await program.waitFor(/^started$/m);
  program.kill("SIGTERM");
  const { code, signal, stdout, stderr } = await program.exited;
  expect({ code, signal, stderr }).toMatchObject({ code: 0, signal: null });
  expect(stderr).not.toMatch(/warning/i);
  return { file, text: stdout };
}

async function execute(script: string, ...args: string[]): Promise<void> {
  await promisify(execFile)(process.execPath, [script, ...args]).catch((error: unknown) => {
    // tsc writes what is wrong to its output, not into the error.
    throw error instanceof Error && "stdout" in error ? new Error(`${error.message}\n${error.stdout}`) : error;
  });
}
