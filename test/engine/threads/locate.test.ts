// Where the tasks module is found, and what is said where it is not, in the places that bundlers and compilers make of it.
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { locate } from "../../../src/engine/threads/module/locate.js";
import { makeDirectory } from "../../support/directory.js";

const root = makeDirectory("locate");
const dist = path.join(root, "dist");
const src = path.join(root, "src");
for (const file of [
  "dist/main.js",
  "dist/workers/esm.mjs",
  "dist/workers/common.cjs",
  "dist/workers/built.js",
  "src/workers/built.ts",
  "src/workers/source.ts",
  "dist/3f2a9c0d1e4b5a69.ts",
  "dist/tasks.1a2b3c4d.ts",
  "dist/3f2a9c0d1e4b5a69.js",
]) {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), "");
}
const folders = [dist, root, src];

describe("a tasks module that is given as a relative path", () => {
  it.each([
    ["./workers/built.js", "dist/workers/built.js"],
    ["workers/built.js", "dist/workers/built.js"],
    ["dist/workers/built.js", "dist/workers/built.js"],
    ["./workers/source.js", "src/workers/source.ts"],
    ["src/workers/source.js", "src/workers/source.ts"],
  ])("%s is %s, the first of the application's folders that has it", (tasks, file) => {
    expect(locate(tasks, folders)).toEqual({
      url: pathToFileURL(path.join(root, file)),
      file: path.join(root, file),
    });
  });

  it("names each place where it was looked for, and what to write", () => {
    const { problem } = locate("./tasks.js", folders);
    expect(problem?.code).toBe("AR_TASKS_NOT_LOADABLE");
    expect(problem?.message).toContain(
      `looked for: ${folders.map((folder) => path.join(folder, "tasks.js")).join(", ")}.`,
    );
    expect(problem?.message).toContain("make it an entry of the bundler");
  });
});

describe("a tasks module whose file has another extension", () => {
  it.each([
    ["dist/workers/esm.js", "dist/workers/esm.mjs"],
    ["dist/workers/common.js", "dist/workers/common.cjs"],
    ["dist/workers/esm.ts", "dist/workers/esm.mjs"],
    ["dist/workers/built.ts", "dist/workers/built.js"],
    ["src/workers/source.js", "src/workers/source.ts"],
  ])("%s: %s is found", (asked, found) => {
    expect(locate(pathToFileURL(path.join(root, asked)), folders).file).toBe(path.join(root, found));
    expect(locate(path.join(root, asked), folders).file).toBe(path.join(root, found));
  });
});

describe("a tasks module that does not exist", () => {
  it("is said to be missing in its folder, with what there is and where one of its name is", () => {
    const { problem } = locate(path.join(dist, "built.js"), folders);
    expect(problem?.message).toContain(`does not exist: ${path.join(dist, "built.js")} (its folder has `);
    expect(problem?.message).toContain("main.js");
    expect(locate(path.join(root, "workers/built.js"), folders).problem?.message).toContain(
      `(there is no folder ${path.join(root, "workers")}; there is ${path.join(dist, "workers/built.js")}). The tasks module has`,
    );
  });

  it.each(["dist/3f2a9c0d1e4b5a69.ts", "dist/tasks.1a2b3c4d.ts"])("is a raw copy by a bundler: %s", (file) => {
    const { problem } = locate(pathToFileURL(path.join(root, file)), folders);
    expect(problem?.message).toContain("a copy of the source that a bundler has made of new URL(…, import.meta.url)");
    expect(problem?.message).toContain("make it an entry of the bundler");
  });

  it("is none of this where a copy under such a name is JavaScript, which may be whole", () => {
    expect(locate(path.join(dist, "3f2a9c0d1e4b5a69.js"), folders).problem).toBeUndefined();
  });
});
