// Where the tasks module is, and what its threads need, for surroundings that this machine need not have.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { type Abilities, findTasksModule } from "../../../src/engine/threads/module/tasks-module.js";

const folder = mkdtempSync(path.join(tmpdir(), "offload-after-response-tasks-"));
afterAll(() => rmSync(folder, { recursive: true }));
for (const name of ["compiled.js", "compiled.ts", "source.ts", "module.mts", "common.cts", "page.tsx"]) {
  writeFileSync(path.join(folder, name), "export function task() {}\n");
}

/** The URL of a file that may exist. */
function url(name: string): string {
  return pathToFileURL(path.join(folder, name)).href;
}

const tsxHome = path.join(folder, "node_modules/tsx/dist");
const withTsx: Abilities["resolve"] = (name) => {
  return name.startsWith("tsx/") ? path.join(tsxHome, `${name.slice(4)}.cjs`) : undefined;
};
const bare: Abilities = { stripsTypes: false, execArgv: [], resolve: () => undefined };
const modern: Abilities = { ...bare, stripsTypes: true };
const tsxInstalled: Abilities = { ...bare, resolve: withTsx };

describe("the tasks module", () => {
  it("is what the URL or the path says, where that exists", () => {
    for (const tasks of [new URL(url("compiled.js")), url("compiled.js"), path.join(folder, "compiled.js")]) {
      expect(findTasksModule(tasks, undefined, bare)).toEqual({ url: url("compiled.js"), execArgv: undefined });
    }
  });

  it("is the TypeScript source where the JavaScript does not exist", () => {
    for (const [asked, found] of [
      ["source.js", "source.ts"],
      ["module.mjs", "module.mts"],
      ["common.cjs", "common.cts"],
    ] as const) {
      expect(findTasksModule(new URL(url(asked)), undefined, modern)).toEqual({ url: url(found), execArgv: undefined });
    }
  });

  it("is missing, and its problem says where it was looked for", () => {
    const { problem } = findTasksModule(path.join(folder, "missing.js"), undefined, bare);
    expect(problem).toMatchObject({ code: "AR_TASKS_NOT_LOADABLE" });
    expect(problem?.message).toContain(path.join(folder, "missing.js"));
  });

  it("may be a URL that is no file, for the thread to load", () => {
    const tasks = "data:text/javascript,export const one = () => 1";
    expect(findTasksModule(tasks, undefined, bare)).toEqual({ url: tasks, execArgv: undefined });
  });

  it("given as a relative path that does not exist is a problem that names each place", () => {
    const { problem } = findTasksModule("./no/tasks.js", undefined, bare);
    expect(problem?.message).toContain(
      `looked for: ${path.resolve("no/tasks.js")}, ${path.resolve("src/no/tasks.js")}.`,
    );
  });
});

describe("a tasks module in TypeScript", () => {
  it("needs nothing where Node strips types", () => {
    expect(findTasksModule(new URL(url("source.ts")), undefined, modern).execArgv).toBeUndefined();
  });

  it("is loaded through tsx where that is installed", () => {
    const { execArgv, preload, problem } = findTasksModule(new URL(url("source.ts")), undefined, tsxInstalled);
    expect(problem).toBeUndefined();
    // Given Node options would take the place of the process's.
    expect(execArgv).toBeUndefined();
    expect(preload?.ifUnknown).toBe(false);
    expect(decodeURIComponent(preload?.url ?? "")).toContain(pathToFileURL(tsxHome).href);
  });

  it("is loaded through tsx where the process itself runs under it, also where Node strips types", () => {
    const underTsx = { ...modern, execArgv: ["--import", "tsx"], resolve: withTsx };
    expect(findTasksModule(new URL(url("source.ts")), undefined, underTsx).preload?.ifUnknown).toBe(false);
  });

  it("is tried with the loader that the process has, before tsx", () => {
    for (const execArgv of [["--loader", "x"], ["--require=x"], ["--import", "x"]]) {
      const source = new URL(url("source.ts"));
      expect(findTasksModule(source, undefined, { ...tsxInstalled, execArgv }).preload?.ifUnknown).toBe(true);
      expect(findTasksModule(source, undefined, { ...bare, execArgv }).problem).toBeUndefined();
    }
  });

  it("keeps the user's own Node options for the threads", () => {
    const own = ["--max-old-space-size=100"];
    expect(findTasksModule(new URL(url("source.ts")), own, modern).execArgv).toEqual(own);
    expect(findTasksModule(new URL(url("compiled.js")), own, bare).execArgv).toEqual(own);
  });

  it("has a problem, with what to do about it, where nothing can run it", () => {
    const { problem } = findTasksModule(new URL(url("source.js")), undefined, bare);
    expect(problem).toMatchObject({ code: "AR_TASKS_NOT_LOADABLE" });
    expect(problem?.message).toMatch(/install tsx .*--import.*pool\.execArgv.*use Node 22\.18 or later, or compile/);
  });
});
