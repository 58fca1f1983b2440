// docs/glossary.md and docs/life-of-a-task.md name files and names of the source: all of them exist.
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

const root = path.join(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(path.join(root, file), "utf8");

const glossary = read("docs/glossary.md");
const life = read("docs/life-of-a-task.md");

/** The paths of source files that stand in code in a text. */
const filesIn = (text: string): string[] =>
  [...text.matchAll(/`((?:src|workers)\/[^`]+)`/g)].map(([, file = ""]) => file);

/** The cells of each row of the tables that have this many columns, without their heads. */
function rows(text: string, columns: number): string[][] {
  const tables = text.matchAll(/^\|.+\|\n\|[ |-]+\|\n((?:\|.+\|\n)+)/gm);
  return [...tables]
    .flatMap(([, body = ""]) => body.trim().split("\n"))
    .map((row) =>
      row
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim()),
    )
    .filter(({ length }) => length === columns);
}

describe.each([
  ["docs/glossary.md", glossary],
  ["docs/life-of-a-task.md", life],
])("%s", (_page, text) => {
  it("names only files that exist", () => {
    const files = filesIn(text);
    expect(files.length).toBeGreaterThan(20);
    expect(files.filter((file) => !existsSync(path.join(root, file)))).toEqual([]);
  });
});

describe("docs/glossary.md", () => {
  const words = rows(glossary, 3);

  it("has each word once, with a meaning and a place", () => {
    const names = words.map(([word]) => word);
    expect(names.length).toBeGreaterThan(60);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    expect(words.filter(([, meaning = "", where = ""]) => meaning === "" || filesIn(where).length !== 1)).toEqual([]);
  });

  it.each(words.map(([word = "", , where = ""]) => ({ word, where })))("finds $word where it says", ({ where }) => {
    const [, name = ""] = /^`([#\w]+)` in `/.exec(where) ?? [];
    const [file = ""] = filesIn(where);
    expect(name).not.toBe("");
    expect(read(file)).toMatch(new RegExp(`(?<![\\w#])${name}(?!\\w)`));
  });
});

describe("docs/life-of-a-task.md", () => {
  it("gives each station one file, and says what can go wrong there", () => {
    const stations = rows(life, 4);
    expect(stations.length).toBeGreaterThan(15);
    for (const [station, , file = "", wrong] of stations) {
      expect([station, filesIn(file)]).toEqual([station, [file.replaceAll("`", "")]]);
      expect([station, wrong]).not.toEqual([station, ""]);
    }
  });

  it("answers each question with one file", () => {
    const answers = rows(life, 2);
    expect(answers).toHaveLength(12);
    expect(answers.filter(([, file = ""]) => filesIn(file).length !== 1)).toEqual([]);
  });
});
