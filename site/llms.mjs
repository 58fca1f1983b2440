// llms.txt: the pages with the sentences that open them, for programs that read the site.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { groups } from "./pages.mjs";
import { pages, staged } from "./stage.mjs";

export function writeLlmsTxt() {
  const lines = groups.flatMap(([title, names]) => ["", `## ${title}`, "", ...names.map(lineOf)]);
  const readme = textOf("index");
  const head = [`# ${headingOf(readme)}`, "", `> ${openingOf(readme)}`];
  const api = [
    "",
    "## API",
    "",
    "- [API](/api/): every exported name, by the entry of the package that it is imported from.",
  ];
  writeFileSync(path.join(import.meta.dirname, "dist/llms.txt"), `${[...head, ...lines, ...api].join("\n")}\n`);
}

function lineOf(name) {
  const text = textOf(name);
  return `- [${headingOf(text)}](/${name.replace(/(^|\/)(index|README)$/, "$1")}): ${openingOf(text)}`;
}

const textOf = (name) => readFileSync(path.join(pages, staged(`${name}.md`)), "utf8");

const headingOf = (text) => /^# (.+)$/m.exec(text)?.[1].replaceAll("`", "") ?? "";

/** The first paragraph after the heading, as plain text. */
function openingOf(text) {
  const paragraph =
    text
      .replace(/^# .+$/m, "")
      .trim()
      .split(/\n\s*\n/)[0] ?? "";
  return paragraph
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/[`*]/g, "")
    .replace(/\s+/g, " ");
}
