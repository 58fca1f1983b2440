// `offload-after-response/webpack`: a bundle that needs no node_modules for the library: the tasks are an entry, and the two files
// that the threads load are assets.
/** @module offload-after-response/webpack */
import { readFileSync } from "node:fs";
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

// webpack's types are not used, because nobody should have to install webpack for ours.
// biome-ignore lint/suspicious/noExplicitAny: see above.
type Webpack = any;

/** Plugin for webpack 5. */
export class OffloadAfterResponsePlugin {
  readonly #options: PluginOptions;

  /** @param options `tasks`: the source of the tasks module */
  constructor(options: PluginOptions = {}) {
    this.#options = options;
  }

  /** Called by webpack. */
  apply(compiler: Webpack): void {
    const name = "offload-after-response";
    const { EntryPlugin, IgnorePlugin, NormalModule, Compilation, sources, library: libraries } = compiler.webpack;
    // An optional package with native code, for an option that the library does not use.
    new IgnorePlugin({ resourceRegExp: /^@napi-rs\/nice$/ }).apply(compiler);
    const { output, entry, context } = compiler.options;
    const extension = typeof output.filename === "string" ? path.extname(output.filename) : ".js";
    const program = path.resolve(context, firstImport(entry) ?? "index.js");
    // What the entry exports are the tasks. Without a library type webpack takes unused exports away.
    const library = { type: output.module === true ? "module" : "commonjs2" };
    new libraries.EnableLibraryPlugin(library.type).apply(compiler);
    for (const file of tasksOf(this.#options, context)) {
      const as = entryName(file, program);
      new EntryPlugin(context, file, { name: as, filename: `${as}${extension || ".js"}`, library }).apply(compiler);
    }
    compiler.hooks.compilation.tap(name, (compilation: Webpack) => {
      NormalModule.getCompilationHooks(compilation).processResult.tap(name, (result: Webpack, module: Webpack) => {
        if (!startsThreads(String(module.resource))) return result;
        return [withThreadFile(String(result[0])), ...result.slice(1)];
      });
    });
    compiler.hooks.thisCompilation.tap(name, (compilation: Webpack) => {
      const stage = Compilation.PROCESS_ASSETS_STAGE_REPORT;
      compilation.hooks.processAssets.tap({ name, stage }, () => {
        for (const file of companions) {
          const source = new sources.RawSource(readFileSync(companionFile(file)));
          // Not minified a second time: the runner takes what tasks may break under its own name.
          compilation.emitAsset(file, source, { minimized: true });
        }
      });
    });
  }
}

/** The file of the first entry, as webpack has normalized the entries by now. */
function firstImport(entry: unknown): string | undefined {
  if (typeof entry !== "object" || entry === null) return undefined;
  const [first]: Webpack[] = Object.values(entry);
  return first?.import?.[0];
}
