// The recipes of docs/bundlers.md are those of test/stacks, which are built and run. Its program in CommonJS runs here.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { readStack } from "../../scripts/stacks/description.js";
import { startProgram } from "../support/process.js";
import { writeDocuments } from "./documents.js";

const root = path.join(import.meta.dirname, "../..");
const stacks = path.join(root, "test/stacks");
const page = readFileSync(path.join(root, "docs/bundlers.md"), "utf8");
const [, recipes = ""] = page.split("## Recipes\n");

describe("the page on bundlers", () => {
  it("has a program in CommonJS that runs tasks in CommonJS", async () => {
    const [, program = ""] = /^## CommonJS\n[\s\S]*?```js\n([\s\S]*?)^```$/m.exec(page) ?? [];
    const end = 'offloader.run("double", 21).then(console.log).then(() => offloader.close());\n';
    const files = [
      { name: "commonjs/main.js", text: program + end },
      { name: "commonjs/workers/tasks.js", text: "module.exports = { double: (n) => 2 * n };\n" },
    ];
    const { directory, remove } = await writeDocuments(new Map([["bundlers", files]]));
    try {
      const main = path.join(directory, "bundlers/commonjs/main.js");
      const { exited } = await startProgram(main, { ready: /^(42)$/m, execArgv: [] });
      expect((await exited).code).toBe(0);
    } finally {
      await remove();
    }
  });

  it("names stacks that exist", () => {
    const names = [...recipes.matchAll(/^\|[^|]+\|([^|]+)\|/gm)].flatMap(([, cell = ""]) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
    );
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !existsSync(path.join(stacks, name, "stack.json")))).toEqual([]);
  });

  it("has as recipes what builds a stack, word for word", () => {
    const known = readdirSync(stacks).flatMap((name) => {
      const folder = path.join(stacks, name);
      if (!existsSync(path.join(folder, "stack.json"))) return [];
      const files = readdirSync(folder).filter((file) => /^(build\.cjs|rolldown\.config\.mjs)$/.test(file));
      return [
        readStack(folder).build ?? "",
        ...files.map((file) => withoutComments(readFileSync(path.join(folder, file), "utf8"))),
      ];
    });
    const blocks = [...recipes.matchAll(/^```(js|sh)\n([\s\S]*?)\n```$/gm)].flatMap(([, language, text = ""]) =>
      language === "sh" ? text.split("\n") : [text],
    );
    expect(blocks.length).toBeGreaterThan(7);
    expect(blocks.filter((block) => !known.includes(block))).toEqual([]);
  });
});

function withoutComments(text: string): string {
  return text.replace(/^\/\/.*\n/gm, "").trim();
}
