// docs/production-checklist.md: each row leads to the page that explains it, and names only options that exist. Which options
// exist is taken from the tables of the other pages, which are held to the code by tests of their own.
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { linksOf } from "./links.js";

const root = path.join(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(path.join(root, file), "utf8");
const page = read("docs/production-checklist.md");

/** The cells of every row, without the heads of the tables. */
const rows = page
  .split("\n")
  .filter(
    (line, index, all) => line.startsWith("| ") && !line.startsWith("| ---") && !all[index + 1]?.startsWith("| ---"),
  )
  .map((line) => line.slice(2, -2).split(" | "));

/** The names in the first column of the table below a heading. */
function optionsOf(file: string, heading: string): string[] {
  const section = read(file).split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return [...section.matchAll(/^\| `([\w.]+)` \|/gm)].map(([, name = ""]) => name);
}

describe("docs/production-checklist.md", () => {
  it("has a link to a page in the last cell of every row", () => {
    expect(rows.length).toBeGreaterThan(25);
    expect(rows.filter((cells) => !/^\[.+\]\(\S+\)$/.test(cells.at(-1) ?? ""))).toEqual([]);
    // That they lead somewhere is held by links.test.ts, which goes through the same list.
    const links = linksOf("docs/production-checklist.md").filter((link) => !link.startsWith("glossary.md#"));
    expect(links).toHaveLength(rows.length);
  });

  it("names only options that exist", () => {
    const ofTask = optionsOf("docs/threads-and-limits.md", "Options of a task");
    const known = new Set([
      ...optionsOf("docs/threads-and-limits.md", "Options of `createOffloader`"),
      ...ofTask.map((name) => `defaults.${name}`),
      ...optionsOf("docs/shutdown.md", "Options"),
    ]);
    const named = rows
      .filter((cells) => cells.length === 4 && cells[1] !== "none")
      .flatMap((cells) => [...(cells[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name));
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });

  it.each([
    "preStop",
    "terminationGracePeriodSeconds",
    "journal.maxBytes",
    "kill -9",
    "shutdown.readiness",
    "shutdown.liveness",
  ])("has a row about %s", (words) => {
    expect(rows.some((cells) => cells.slice(0, -1).join().includes(`\`${words}`))).toBe(true);
  });

  it("counts the alerts that come with the package", () => {
    const { groups } = parse(read("examples/prometheus/alerts.yml")) as { groups: { rules: { alert?: string }[] }[] };
    const alerts = groups.flatMap(({ rules }) => rules).filter(({ alert }) => alert !== undefined);
    expect(alerts).toHaveLength(5);
    expect(page).toContain("Five alerts come with the package");
  });
});
