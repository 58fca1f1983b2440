// `offload-after-response/esbuild`: a bundle that needs no node_modules for the library: the tasks are an entry, and the two files
// that the threads load are copied.
/** @module offload-after-response/esbuild */
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import {
  companionFile,
  companions,
  entryName,
  type PluginOptions,
  startsThreads,
  tasksOf,
  withThreadFile,
} from "./files.js";

export type { PluginOptions } from "./files.js";

type Entries = (string | { in: string; out: string })[] | Record<string, string>;

/** The part of esbuild's `PluginBuild` that is used. */
export interface EsbuildBuild {
  /** The options of the build; the plugin adds to them. */
  readonly initialOptions: {
    absWorkingDir?: string | undefined;
    entryPoints?: Entries | undefined;
    outfile?: string | undefined;
    outdir?: string | undefined;
    format?: string | undefined;
    write?: boolean | undefined;
    // biome-ignore lint/suspicious/noExplicitAny: an index signature of esbuild's.
    banner?: { [type: string]: any } | undefined;
  };
  /** Called by the plugin, once. */
  onResolve(
    options: { filter: RegExp },
    callback: (args: { path: string }) => { path: string; external: boolean },
  ): void;
  /** Called by the plugin, once. */
  onLoad(options: { filter: RegExp }, callback: (args: { path: string }) => { contents: string; loader: "js" }): void;
  /** Called by the plugin, once. */
  onEnd(callback: () => void): void;
}

/** The name under which an ES module bundle knows its folder. */
const folderName = "offloadAfterResponseFolder";

/**
 * Plugin for esbuild, and for tsup as one of its `esbuildPlugins`.
 *
 * @param options `tasks`: the source of the tasks module
 * @returns the plugin, for esbuild's option `plugins`
 * @throws an Error in the build if the source of the tasks module is not found
 * @example
 * ```js
 * import { offloadAfterResponse } from "offload-after-response/esbuild";
 * import { build } from "esbuild";
 *
 * await build({ entryPoints: ["src/main.ts"], bundle: true, platform: "node", outdir: "dist", plugins: [offloadAfterResponse()] });
 * ```
 */
export function offloadAfterResponse(options: PluginOptions = {}): {
  name: string;
  setup(build: EsbuildBuild): void;
} {
  return {
    name: "offload-after-response",
    setup(build) {
      const settings = build.initialOptions;
      const root = settings.absWorkingDir ?? process.cwd();
      addEntries(settings, tasksOf(options, root), root);
      const isModule = settings.format === "esm";
      if (isModule) {
        const banner = `const ${folderName} = import.meta.dirname;`;
        settings.banner = { ...settings.banner, js: `${settings.banner?.js ?? ""}${banner}` };
      }
      // An optional package with native code, for an option that the library does not use.
      build.onResolve({ filter: /^@napi-rs\/nice$/ }, ({ path: name }) => ({ path: name, external: true }));
      build.onLoad({ filter: /[\\/]piscina[\\/]dist[\\/].*\.js$/ }, ({ path: file }) => {
        const text = readFileSync(file, "utf8");
        const found = startsThreads(file) ? withThreadFile(text, isModule ? folderName : undefined) : text;
        // An ES module has no `require`, and esbuild's own throws for Node's modules.
        const contents = isModule
          ? found.replace(/\brequire\("(node:[\w/]+)"\)/g, 'process.getBuiltinModule("$1")')
          : found;
        return { contents, loader: "js" };
      });
      build.onEnd(() => {
        if (settings.write === false || settings.outdir === undefined) return;
        const outdir = path.resolve(root, settings.outdir);
        mkdirSync(outdir, { recursive: true });
        for (const name of companions) copyFileSync(companionFile(name), path.join(outdir, name));
      });
    },
  };
}

/** The tasks beside the program's bundle, in the folder that they have beside the program's source. */
function addEntries(settings: EsbuildBuild["initialOptions"], tasks: readonly string[], root: string): void {
  const entries = entriesOf(settings.entryPoints, settings.outfile);
  if (settings.outfile !== undefined) {
    settings.outdir = path.dirname(settings.outfile);
    delete settings.outfile;
  }
  const [first] = entries;
  if (first === undefined) return;
  const program = path.resolve(root, first.in);
  const folder = path.posix.dirname(first.out);
  const added = tasks.map((file) => ({ in: file, out: path.posix.join(folder, entryName(file, program)) }));
  const missing = added.filter((entry) => !entries.some((known) => path.resolve(root, known.in) === entry.in));
  settings.entryPoints = [...entries, ...missing];
}

function entriesOf(entries: Entries | undefined, outfile: string | undefined): { in: string; out: string }[] {
  const list = Array.isArray(entries)
    ? entries
    : Object.entries(entries ?? {}).map(([out, file]) => ({ in: file, out }));
  const named = list.map((entry) => (typeof entry === "string" ? { in: entry, out: "" } : entry));
  const [first] = named;
  if (first === undefined) return [];
  if (outfile !== undefined) return [{ in: first.in, out: path.basename(outfile).replace(/\.[cm]?js$/, "") }];
  // As esbuild names them: from their common folder on.
  return named.map((entry) => (entry.out === "" ? { in: entry.in, out: entryName(entry.in, first.in) } : entry));
}
