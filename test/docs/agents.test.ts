// AGENTS.md: up to date, short enough to be read whole, and with links that lead somewhere in the package.
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { agentsFile, agentsText } from "../../scripts/agents.js";
import { linksOf } from "./links.js";

describe("AGENTS.md", () => {
  it("is what `npm run agents` writes", () => {
    expect(readFileSync(agentsFile, "utf8")).toBe(agentsText());
  });

  it("has at most 8 KiB", () => {
    expect(Buffer.byteLength(agentsText())).toBeLessThanOrEqual(8_192);
  });

  it("links to files alone that exist", () => {
    const targets = linksOf("AGENTS.md")
      .filter((link) => !/^[a-z]+:/.test(link))
      .map((link) => link.split("#")[0] ?? "");
    expect(targets.length).toBeGreaterThan(10);
    expect(targets.filter((target) => !existsSync(path.join(path.dirname(agentsFile), target)))).toEqual([]);
  });
});
