// The recipes of docs/bundlers.md are those of test/stacks, which are built and run.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { readStack } from "../../scripts/stacks/description.js";

const root = path.join(import.meta.dirname, "../..");
const stacks = path.join(root, "test/stacks");
const page = readFileSync(path.join(root, "docs/bundlers.md"), "utf8");
const [, recipes = ""] = page.split("## Recipes\n");

describe("the page on bundlers", () => {
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
