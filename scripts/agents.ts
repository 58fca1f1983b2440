// npm run agents: writes AGENTS.md, what a coding agent has to know of the package, from README.md and the openings of the pages.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { root } from "./run.js";

export const agentsFile: string = path.join(root, "AGENTS.md");

/** The sections of README.md that are taken as they are. */
const sections = ["Dispatching", "Configuring the pool", "SIGTERM in deployments", "What is promised, and what is not"];

/** The pages to go on with, by their path in docs/. */
const pages = [
  ...["after-the-response", "tasks-and-payloads", "threads-and-limits", "errors", "shutdown", "journal", "testing"],
  ...["observability", "dashboard", "frameworks", "bundlers", "files-and-streams"],
];

/** What the package leaves out of docs/. */
const left: readonly string[] = JSON.parse(read("package.json"))
  .files.filter((file: string) => file.startsWith("!"))
  .map((file: string) => file.slice(1));

/** The text of AGENTS.md. Throws if README.md has no section of one of these names. */
export function agentsText(): string {
  const readme = withPackagedLinks(read("README.md"));
  const [title = ""] = readme.split("\n");
  return [
    `${title}, for coding agents`,
    "<!-- Written by `npm run agents` from README.md and docs/. -->",
    introductionOf(readme),
    "## Use it",
    ...codeOf(section(readme, "Quick start")),
    ...sections.flatMap((name) => [`## ${name}`, section(readme, name)]),
    "## Test it",
    ...codeOf(read("docs/testing.md")).slice(0, 1),
    "## Pages",
    pages.map((name) => `- [${titleOf(name)}](docs/${name}.md): ${openingOf(read(`docs/${name}.md`))}`).join("\n"),
    "",
  ].join("\n\n");
}

function read(file: string): string {
  return readFileSync(path.join(root, file), "utf8");
}

/** What stands between the title and the first section. */
function introductionOf(readme: string): string {
  return readme.slice(readme.indexOf("\n"), readme.indexOf("\n## ")).trim();
}

/** Without pictures and without links to what the package leaves out. A line that is nothing but such a link goes. */
function withPackagedLinks(readme: string): string {
  const leads = (target: string) => !left.some((file) => target === file || target.startsWith(`${file}/`));
  return readme
    .replace(/^!\[[^\]]*\]\([^)]*\)\n+/gm, "")
    .replace(/^\[[^\]]*\]\(([^)#]+)[^)]*\)\n/gm, (line, target) => (leads(target) ? line : ""))
    .replace(/\[([^\]]*)\]\(([^)#]+)[^)]*\)/g, (link, words, target) => (leads(target) ? link : words));
}

function section(readme: string, name: string): string {
  const parts = readme.split(/^## /m);
  const found = parts.find((part) => part.startsWith(`${name}\n`));
  if (found === undefined) throw new Error(`README.md has no section ${name}`);
  return found.slice(name.length).trim();
}

/** The TypeScript of a section. */
function codeOf(text: string): string[] {
  return text.match(/^```ts\n[\s\S]*?^```$/gm) ?? [];
}

function titleOf(page: string): string {
  return /^# (.+)$/m.exec(read(`docs/${page}.md`))?.[1] ?? page;
}

/** The first sentence of a page, without links. */
function openingOf(text: string): string {
  const paragraph =
    text
      .replace(/^# .+$/m, "")
      .trim()
      .split(/\n\s*\n/)[0] ?? "";
  const plain = paragraph.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/\s+/g, " ");
  return /^.+?\.(?= |$)/.exec(plain)?.[0] ?? plain.replace(/:$/, ".");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(agentsFile, agentsText());
