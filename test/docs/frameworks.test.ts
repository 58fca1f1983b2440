// docs/frameworks.md shows the files of test/stacks as they are, and the versions that are tried.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

const stacks = path.join(import.meta.dirname, "../stacks");
const page = readFileSync(path.join(import.meta.dirname, "../../docs/frameworks.md"), "utf8");

const shown = [...page.matchAll(/^`([^`\n]+)`:\n\n```\w+\n([\s\S]*?)^```$/gm)].map(([, file = "", text = ""]) => {
  return { file, text };
});

describe("docs/frameworks.md", () => {
  it("has nothing in its blocks of code that is no file", () => {
    expect(shown.length).toBeGreaterThan(20);
    expect(page.match(/^```\w+$/gm)).toHaveLength(shown.length);
  });

  it.each(shown)("shows $file as it is tried, in less than 40 lines", ({ file, text }) => {
    expect(text).toBe(readFileSync(path.join(stacks, file), "utf8"));
    expect(text.split("\n").length).toBeLessThan(40);
  });

  it("has the version of each framework that is installed for the trial", () => {
    const versions = [...page.matchAll(/^\| [^|]+ \| (\d[^ |]+) \|/gm)].map(([, version = ""]) => version);
    expect(versions.length).toBeGreaterThan(12);
    const descriptions = readdirSync(stacks).map((name) => readFileSync(path.join(stacks, name, "stack.json"), "utf8"));
    expect(versions.filter((version) => !descriptions.some((text) => text.includes(`@${version}"`)))).toEqual([]);
  });
});
