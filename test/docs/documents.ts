// The complete code of the documents: a block of code is a file when its first line is a comment with its name. The
// files of one document make one project.
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

const root = path.join(import.meta.dirname, "../..");

export interface SourceFile {
  /** As the document gives it, with folders. */
  readonly name: string;
  readonly text: string;
}

/** The complete blocks of a document, in TypeScript or in JavaScript. */
export function filesOf(markdown: string, language: "ts" | "js" = "ts"): SourceFile[] {
  const block = new RegExp(`^\`\`\`${language}\\n// (\\S+\\.${language})\\n([\\s\\S]*?)^\`\`\`$`, "gm");
  return [...markdown.matchAll(block)].map(([, name = "", text = ""]) => ({ name, text }));
}

/** The documents in docs/, by name without ending. */
export async function documents(): Promise<Map<string, string>> {
  const folder = path.join(root, "docs");
  const names = (await readdir(folder)).filter((name) => name.endsWith(".md")).sort();
  const texts = await Promise.all(names.map((name) => readFile(path.join(folder, name), "utf8")));
  return new Map(names.map((name, index) => [path.basename(name, ".md"), texts[index] ?? ""]));
}

/** The project of one document. Its `app.ts`, if it has one, writes the ready line that `startProgram` waits for. */
export async function writeDocument(
  name: string,
): Promise<{ page: string; directory: string; remove(): Promise<void> }> {
  const page = (await documents()).get(name) ?? "";
  const files = filesOf(page).map((file) => (file.name === "app.ts" ? { ...file, text: file.text + readyLine } : file));
  return { page, ...(await writeDocuments(new Map([["page", files]]))) };
}

const readyLine = 'server.on("listening", () => console.log("listening", server.address().port));\n';

/**
 * Writes the files of each document into a folder of its name, where they find the library and its development
 * dependencies as a user's code would.
 *
 * @returns where the folders are, and what removes them
 */
export async function writeDocuments(
  files: ReadonlyMap<string, readonly SourceFile[]>,
): Promise<{ directory: string; remove(): Promise<void> }> {
  const directory = await realpath(await mkdtemp(path.join(tmpdir(), "offload-after-response-docs-")));
  for (const [document, sources] of files) {
    for (const { name, text } of sources) {
      const file = path.join(directory, document, name);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, text);
      // A folder of this name is a project in CommonJS.
      const [, commonJs] = /^(commonjs)\//.exec(name) ?? [];
      if (commonJs !== undefined) await writeFile(path.join(directory, document, commonJs, "package.json"), "{}");
    }
  }
  const modules = path.join(directory, "node_modules");
  await mkdir(modules);
  const installed = path.join(root, "node_modules");
  const scoped = await readdir(path.join(installed, "@opentelemetry"));
  const names = (await readdir(installed)).filter((name) => !name.startsWith(".") && name !== "@opentelemetry");
  await mkdir(path.join(modules, "@opentelemetry"));
  for (const name of [...names, ...scoped.map((each) => path.join("@opentelemetry", each))])
    await symlink(path.join(installed, name), path.join(modules, name));
  await symlink(root, path.join(modules, "offload-after-response"));
  await mkdir(path.join(modules, "@sentry"));
  const fixtures = path.join(import.meta.dirname, "fixtures");
  await symlink(path.join(fixtures, "sentry"), path.join(modules, "@sentry/node"));
  await symlink(path.join(fixtures, "opentelemetry"), path.join(modules, "@opentelemetry/sdk-node"));
  await writeFile(path.join(directory, "package.json"), JSON.stringify({ private: true, type: "module" }));
  return { directory, remove: () => rm(directory, { recursive: true, force: true }) };
}
