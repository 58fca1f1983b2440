// Puts what was measured into the pages that quote it, between `<!-- bench:NAME -->` and `<!-- /bench -->`, so that no figure
// in the documentation is written by hand.
import { readFileSync, writeFileSync } from "node:fs";
import type { Environment } from "./environment.js";
import { figure } from "./format.js";

/** Replaces the marked blocks of a page whose names are in `blocks`; the others stay as they are. */
export function publish(page: string, blocks: ReadonlyMap<string, string>): void {
  const text = readFileSync(page, "utf8");
  const replaced = text.replace(/(<!-- bench:(\w+) -->\n).*?(<!-- \/bench -->)/gs, (whole, opening, name, closing) => {
    const block = blocks.get(name);
    return block === undefined ? whole : `${opening}\n${block.trim()}\n\n${closing}`;
  });
  writeFileSync(page, replaced);
}

/**
 * On what, with what, and how undisturbed it was measured.
 *
 * @param command that measures it again
 */
export function inWords(
  { date, node, system, cpu, cores, memoryGB, load, versions }: Environment,
  command: string,
): string {
  const libraries = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `Measured on ${date} with \`${command}\`: Node.js ${node}, ${system},`,
    `${cores} cores of ${cpu}, ${memoryGB} GB. Load when the run began: ${figure(load)}.`,
    `${libraries.join(", ")}.`,
    ...(load > cores / 4
      ? ["The machine did other things at the same time, so read the ratios, not the figures."]
      : []),
  ].join(" ");
}
