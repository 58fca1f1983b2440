// The pages that speak of the benchmarks name each of them, and no other.
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { benchmarks } from "../../bench/benchmarks/all.js";

const names = benchmarks.map(({ name }) => name).sort();
// The pages that a run renews, and what it publishes beside its benchmarks.
const published = ["docs/performance.md", "docs/is-it-worth-it.md", "README.md"];
const ofTheRun = ["bars", "engine", "environment", "lines", "niceness", "nodes", "peers"];

describe("the pages about the benchmarks", () => {
  it("docs/performance.md, docs/is-it-worth-it.md and the README have a block for the figures of each", () => {
    const blocks = published.flatMap((page) => matches(page, /^<!-- bench:(\w+) -->$/gm)).sort();
    expect(blocks).toEqual([...names, ...ofTheRun].sort());
    // Each of them has a figure.
    for (const page of published) {
      const text = readFileSync(path.join(import.meta.dirname, "../..", page), "utf8");
      for (const [block] of text.matchAll(/^<!-- bench:\w+ -->$.*?^<!-- \/bench -->$/gms)) expect(block).toMatch(/\d/);
    }
  });

  it("bench/README.md says what each asks", () => {
    expect(matches("bench/README.md", /^\| `(\w+)` \|/gm)).toEqual(names);
  });
});

function matches(page: string, pattern: RegExp): string[] {
  const text = readFileSync(path.join(import.meta.dirname, "../..", page), "utf8");
  return [...text.matchAll(pattern)].map(([, name = ""]) => name).sort();
}
