// AGENTS.md: up to date, short enough to be read whole, and with links that lead somewhere in the package.
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { agentsFile, agentsText } from "../../scripts/agents.js";
import { pack } from "../package/project.js";
import { linksOf } from "./links.js";

describe("AGENTS.md", () => {
  it("is what `npm run agents` writes", () => {
    expect(readFileSync(agentsFile, "utf8")).toBe(agentsText());
  });

  it("has at most 8 KiB", () => {
    expect(Buffer.byteLength(agentsText())).toBeLessThanOrEqual(8_192);
  });

  it("links to what the package has", async () => {
    const directory = await mkdtemp(path.join(tmpdir(), "offload-after-response-agents-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    const { contents } = await pack(directory);
    const targets = linksOf("AGENTS.md").map((link) => link.split("#")[0] ?? "");
    expect(targets.length).toBeGreaterThan(10);
    expect(targets.filter((target) => !contents.includes(target))).toEqual([]);
  });
});
