// Puts the pages together from docs/, README.md and the API reference. Nothing is written twice: the site has no text of its own.
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { groups } from "./pages.mjs";

const root = path.join(import.meta.dirname, "..");
const docs = path.join(root, "docs");
export const pages = path.join(import.meta.dirname, ".pages");

/** Where files are that are no pages of the site: those of the repository. */
const repository = `${JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")).repository.url.replace(/^git\+|\.git$/g, "")}/blob/main`;

/** Copies all documents, with their links as the site needs them. Throws if a document is in no group. */
export function stage() {
  rmSync(pages, { recursive: true, force: true });
  cpSync(docs, pages, { recursive: true, filter: (file) => !/(results\.json|\.md)$/.test(file) });
  const documents = readdirSync(docs, { recursive: true }).filter((file) => file.endsWith(".md"));
  const listed = groups.flatMap(([, names]) => names);
  const missing = documents.filter((file) => !listed.includes(file.replace(/\.md$/, "")));
  if (missing.length > 0) throw new Error(`site/pages.mjs has no ${missing.join(", ")}`);
  for (const file of documents) write(file, path.join("docs", file));
  write("index.md", "README.md");
}

/** Where a document is staged: a README is the page of its folder. */
export const staged = (file) => file.replace(/(^|\/)README\.md$/, "$1index.md");

/** @param source the document, from the root of the repository on */
function write(file, source) {
  const text = readFileSync(path.join(root, source), "utf8");
  const fixed = text
    .split(/(^```[\s\S]*?^```)/m)
    .map((part) => (part.startsWith("```") ? withDiagram(part) : withLinks(part, source, file)))
    .join("");
  writeFileSync(path.join(pages, staged(file)), fixed);
}

/** VitePress draws no diagrams. The component of the theme does, in the browser. */
function withDiagram(block) {
  const [, source] = /^```mermaid\n([\s\S]*?)\n```$/.exec(block) ?? [];
  return source === undefined ? block : `<Diagram source="${encodeURIComponent(source)}" />`;
}

function withLinks(text, source, file) {
  const here = path.dirname(file);
  const to = (link) => {
    if (/^([a-z]+:|#)/.test(link)) return link;
    const [target, anchor] = link.split("#");
    const fromRoot = path.join(path.dirname(source), target);
    if (fromRoot === "README.md") return `${relative(here, "index.md")}${anchor ? `#${anchor}` : ""}`;
    if (!fromRoot.startsWith("docs/") || /(\.json|\/)$/.test(target))
      return `${repository}/${fromRoot}${anchor ? `#${anchor}` : ""}`;
    return `${relative(here, staged(fromRoot.slice("docs/".length)))}${anchor ? `#${anchor}` : ""}`;
  };
  return text
    .replace(/\]\(([^)\s]+)\)/g, (_, link) => `](${to(link)})`)
    .replace(/(src|href|srcset)="([^"]+)"/g, (_, name, link) => `${name}="${to(link)}"`);
}

function relative(from, to) {
  const link = path.relative(from, to);
  return link.startsWith(".") ? link : `./${link}`;
}
