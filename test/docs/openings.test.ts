// Every page begins with a paragraph that says what it answers: at least two sentences, before any list, table or code.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";

const docs = path.join(import.meta.dirname, "../../docs");
const pages = readdirSync(docs, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".md"));

it("finds the pages", () => {
  expect(pages.length).toBeGreaterThan(30);
});

it.each(pages)("docs/%s says in its first two sentences what it answers", (page) => {
  const [title = "", first = ""] = readFileSync(path.join(docs, page), "utf8").split(/\n{2,}/);
  expect(title).toMatch(/^# \S/);
  expect(first).not.toMatch(/^([-*|>#!]|\d+\.|```|Files?:)/);
  const sentences = first.split(/[.!?](?:\s|$)/).filter((words) => words.trim().split(/\s+/).length > 3);
  expect(sentences.length, first).toBeGreaterThanOrEqual(2);
  // A clause that begins like this and has no second part is a title, and not a sentence.
  expect(sentences[0]).not.toMatch(/^(What|How|Where|Every|From|For which|Complete)\b[^,]*$/);
});
