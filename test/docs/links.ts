// The relative links of a document.
import { readFileSync } from "node:fs";
import path from "node:path";

const root = path.join(import.meta.dirname, "../..");

/** The targets of a document's links and images that are no URLs; code is no place for links. */
export function linksOf(document: string): string[] {
  const prose = proseOf(document).replace(/`[^`\n]*`/g, "");
  const targets = [...prose.matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)|(?:src|href)="([^"]+)"/g)].map(
    ([, a, b]) => a ?? b ?? "",
  );
  return targets.filter((target) => !/^[a-z]+:/i.test(target));
}

/** A document without its fenced code. */
export function proseOf(document: string): string {
  return readFileSync(path.join(root, document), "utf8").replace(/^(```|~~~)[\s\S]*?^\1/gm, "");
}
