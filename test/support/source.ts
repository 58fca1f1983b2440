// The source as text: its files, what they import, and their code without comments.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

const root = path.join(import.meta.dirname, "../..");

export interface Import {
  readonly file: string;
  /** As it is written: `./name.js`, `node:fs`, a package. */
  readonly from: string;
}

/** Every TypeScript or JavaScript file below a folder, from the root on; none where there is no such folder. */
export function sources(folder: string): string[] {
  if (!existsSync(path.join(root, folder))) return [];
  return readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.[mc]?[tj]s$/.test(name) && !name.includes("node_modules"))
    .map((name) => path.posix.join(folder, name.replaceAll(path.sep, "/")))
    .sort();
}

/** What a file imports or re-exports, types included. */
export function importsOf(file: string): Import[] {
  const specifiers = codeOf(file).matchAll(/\b(?:from\s+|import\s*\(?\s*)"([^"\n]+)"/g);
  return [...specifiers].map(([, from = ""]) => ({ file, from }));
}

/** The file that a relative import means, from the root on; a package's name as it is. */
export function target({ file, from }: Import): string {
  return from.startsWith(".") ? path.posix.join(path.posix.dirname(file), from).replace(/\.js$/, ".ts") : from;
}

/** The code of a file without its comments. */
export function codeOf(file: string): string {
  const text = readFileSync(path.join(root, file), "utf8");
  return text.replace(/^\s*(\/\/|\*|\/\*).*$/gm, "").replace(/\s\/\/ .*$/gm, "");
}
