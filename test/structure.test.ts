// Data flows one way, and the folders say so: what each part of the source may know of the others, held by a test.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

const root = path.join(import.meta.dirname, "..");

/** For each part: the other parts it may import from. Above stands what is known by many, below what knows many. */
const mayKnow: Record<string, readonly string[]> = {
  "src/base": [],
  "src/core": ["src/base"],
  "src/response": ["src/base", "src/core"],
  "src/journal": ["src/base", "src/core", "src/intake"],
  "src/engine": ["src/base", "src/core", "src/options.ts", "src/intake/keys.ts"],
  // The threads' side knows the messages, and how errors and values cross.
  workers: ["src/base", "src/core", "src/engine/threads/protocol.ts"],
  "src/intake": ["src/base", "src/core", "src/response", "src/journal", "src/engine", "src/options.ts"],
  "src/shutdown": ["src/base", "src/core"],
  // The files on top wire the parts. Their public names reach those of the threads' side as types.
  src: ["src", "workers"],
};

/** The packages a part may import; node:* is free to all but these two. */
const packages: Record<string, readonly string[]> = { "src/engine": ["piscina"] };
const withoutNode = ["src/engine/threads/queue"];

interface Import {
  readonly file: string;
  readonly from: string;
}

const imports = [...sources("src"), ...sources("workers")].flatMap(importsOf);

describe("the structure of the source", () => {
  it("has a place for every file", () => {
    const homeless = [...sources("src"), ...sources("workers")].filter((file) => partOf(file) === undefined);
    expect(homeless).toEqual([]);
  });

  it("lets a part know those above it, never those below", () => {
    const wrong = imports.filter((entry) => {
      if (!entry.from.startsWith(".")) return false;
      const part = partOf(entry.file) ?? "";
      const allowed = [part, ...(mayKnow[part] ?? [])];
      return !allowed.some((place) => target(entry) === place || target(entry).startsWith(`${place}/`));
    });
    expect(wrong).toEqual([]);
  });

  it("imports Piscina in src/engine alone, and no other package anywhere", () => {
    const wrong = imports.filter(({ file, from }) => {
      if (from.startsWith(".") || from.startsWith("node:")) return false;
      return !(packages[partOf(file) ?? ""] ?? []).includes(from);
    });
    expect(wrong).toEqual([]);
    expect(imports.some(({ from }) => from === "piscina")).toBe(true);
  });

  it("keeps the queue pure: no HTTP, no threads, no files", () => {
    const wrong = imports.filter(({ file, from }) => {
      return withoutNode.some((folder) => file.startsWith(`${folder}/`)) && from.startsWith("node:");
    });
    expect(wrong).toEqual([]);
  });

  it("gives examples and benchmarks the public names alone", () => {
    const outside = [...sources("examples"), ...sources("bench")].flatMap(importsOf);
    const wrong = outside.filter((entry) => /^(src|workers|dist|test)\//.test(target(entry)));
    expect(wrong).toEqual([]);
  });
});

/** The part that a file belongs to: a folder of src/, workers/, or src/ itself for the files that lie in it. */
function partOf(file: string): string | undefined {
  const folder = path.posix.dirname(file);
  return Object.keys(mayKnow).find((part) => folder === part || (part !== "src" && folder.startsWith(`${part}/`)));
}

/** The file that a relative import means, from the root on; a package's name as it is. */
function target({ file, from }: Import): string {
  return from.startsWith(".") ? path.posix.join(path.posix.dirname(file), from).replace(/\.js$/, ".ts") : from;
}

/** Every TypeScript or JavaScript file below a folder, from the root on; none where there is no such folder. */
function sources(folder: string): string[] {
  if (!existsSync(path.join(root, folder))) return [];
  return readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.[mc]?[tj]s$/.test(name) && !name.includes("node_modules"))
    .map((name) => path.posix.join(folder, name.replaceAll(path.sep, "/")))
    .sort();
}

/** What a file imports or re-exports, types included. */
function importsOf(file: string): Import[] {
  const text = readFileSync(path.join(root, file), "utf8").replace(/^\s*(\/\/|\*|\/\*).*$/gm, "");
  const specifiers = text.matchAll(/\b(?:from\s+|import\s*\(?\s*)"([^"\n]+)"/g);
  return [...specifiers].map(([, from = ""]) => ({ file, from }));
}
