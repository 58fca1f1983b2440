// A project of a stack: a copy of its folder outside of the repository, with the packed package and its own ones installed.
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { npm, root } from "../run.js";

export interface Packed {
  /** The tarball. */
  readonly file: string;
  remove(): void;
}

/** Packs the package that has been built. */
export function createPackage(): Packed {
  const folder = mkdtempSync(path.join(tmpdir(), "offload-after-response-packed-"));
  if (!npm("pack", "--ignore-scripts", "--silent", "--pack-destination", folder)) throw new Error("npm pack failed");
  const [name = ""] = readdirSync(folder);
  return { file: path.join(folder, name), remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/**
 * Copies the folder of a stack and installs what it needs.
 *
 * @param packed the tarball of the package
 * @param packages those to install beside it
 * @returns the folder of the project
 */
export function createProject(stack: string, packed: string, packages: readonly string[]): string {
  const project = realpathSync(mkdtempSync(path.join(tmpdir(), `offload-after-response-${path.basename(stack)}-`)));
  cpSync(stack, project, { recursive: true });
  const manifest = path.join(project, "package.json");
  if (!existsSync(manifest)) writeFileSync(manifest, JSON.stringify({ name: "app", private: true, type: "module" }));
  if (packages.length > 0) install(project, packed, packages);
  else {
    cpSync(bareModules(packed), path.join(project, "node_modules"), { recursive: true });
    // As npm would note it: bundlers take dependencies for external.
    const noted = { ...JSON.parse(readFileSync(manifest, "utf8")), dependencies: { "offload-after-response": packed } };
    writeFileSync(manifest, JSON.stringify(noted));
  }
  return project;
}

/** What npm installs of the package alone, once for all stacks that need nothing else. */
function bareModules(packed: string): string {
  const folder = path.join(path.dirname(packed), "bare");
  if (!existsSync(folder)) install(folder, packed, []);
  return path.join(folder, "node_modules");
}

function install(folder: string, packed: string, packages: readonly string[]): void {
  const flags = ["--prefix", folder, "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"];
  if (!npm("install", ...flags, packed, ...packages)) throw new Error(`npm install failed in ${folder}`);
}

/** The folder of the programs of the repository's own packages: a stack that installs no other bundler uses those. */
export const ownPrograms: string = path.join(root, "node_modules/.bin");
