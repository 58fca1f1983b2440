// Every relative link of every document leads to a file that exists, and to a heading where it names one.
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { linksOf, proseOf } from "./links.js";

const root = path.join(import.meta.dirname, "../..");
const ignored = new Set(["node_modules", "dist", "coverage", ".git", ".pages"]);

it.each(documents("."))("every relative link of %s leads somewhere", (document) => {
  const broken = linksOf(document).filter((link) => !leadsSomewhere(document, link));
  expect(broken).toEqual([]);
});

/** All Markdown files below a folder, from the root on. */
function documents(folder: string): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(folder, entry.name);
    if (entry.isDirectory()) return ignored.has(entry.name) ? [] : documents(name);
    return entry.name.endsWith(".md") ? [name] : [];
  });
}

function leadsSomewhere(document: string, link: string): boolean {
  const [file = "", anchor] = link.split("#");
  const target = file === "" ? document : path.join(path.dirname(document), decodeURI(file));
  if (!existsSync(path.join(root, target))) return false;
  return anchor === undefined || !target.endsWith(".md") || anchorsOf(target).includes(anchor);
}

/** The anchors of a document's headings, made as GitHub makes them. */
function anchorsOf(document: string): string[] {
  return [...proseOf(document).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replace(/\s/g, "-"),
  );
}
