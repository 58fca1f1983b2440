// What the site is made of: every document once, and every entry of the package in the API reference. `npm run site` checks the rest.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

const root = path.join(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(path.join(root, file), "utf8");

describe("the site", () => {
  it("has every document of docs/ once in its navigation", async () => {
    const file = path.join(root, "site/pages.mjs");
    const { groups }: { groups: [string, string[]][] } = await import(file);
    const listed = groups.flatMap(([, names]) => names);
    const documents = readdirSync(path.join(root, "docs"), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".md"))
      .map((name) => name.replace(/\.md$/, ""));
    expect([...listed].sort()).toEqual(["index", ...documents].sort());
  });

  it("has every entry of the package in the API reference, by the name that it is imported by", () => {
    const { entryPoints }: { entryPoints: string[] } = JSON.parse(read("site/typedoc.json"));
    const modules = entryPoints.map((entry) => /@module (\S+)/.exec(read(path.join("site", entry)))?.[1]);
    const { name, exports }: { name: string; exports: object } = JSON.parse(read("package.json"));
    const entries = Object.keys(exports).filter((entry) => !/\.(cjs|json)$/.test(entry));
    expect([...modules].sort()).toEqual(entries.map((entry) => path.join(name, entry)).sort());
  });
});
