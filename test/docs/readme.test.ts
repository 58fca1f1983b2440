// README.md: it is read in two minutes, and goes from what the library is to where to go on.
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

const readme = readFileSync(path.join(import.meta.dirname, "../../README.md"), "utf8");
const [beforeLinks = ""] = readme.split(/^## Where to go on$/m);

describe("README.md", () => {
  it("goes from what it is to where to go on", () => {
    const headings = [...readme.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual([
      "Try it",
      "Install",
      "Quick start",
      "Dispatching",
      "Configuring the pool",
      "SIGTERM in deployments",
      "What is promised, and what is not",
      "The page",
      "Measured",
      "Where to go on",
    ]);
    const pictures = [...readme.matchAll(/!\[[^\]]+\]\((\S+)\)/g)].map(([, file]) => file);
    expect(pictures).toEqual(["docs/images/problem-and-cure.svg", "docs/images/dashboard.webp"]);
    expect(readme.match(/^\|(?: *-+:? *\|)+$/gm)).toHaveLength(2);
  });

  it("is read in two minutes", () => {
    // 245 words a minute; code and tables are looked at, and not read.
    const prose = beforeLinks
      .replace(/^```[\s\S]*?^```$/gm, "")
      .replace(/^\|.*$|<!--.*?-->|!\[[^\]]*\]\([^)]*\)/gm, "")
      .replace(/\]\([^)]*\)/g, "]");
    expect(prose.match(/\S*\w\S*/g)?.length).toBeLessThanOrEqual(490);
  });
});
