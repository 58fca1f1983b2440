// What the package consists of: its code as CommonJS, a thin ES module over it, its declarations, and the runner of the threads.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { transformSync } from "esbuild";
import { type OutputOptions, type RolldownOptions, rolldown } from "rolldown";
import { dts } from "rolldown-plugin-dts";
import { root } from "./run.js";

/** The entries of the package that have declarations. */
const entries: Readonly<Record<string, string>> = {
  index: path.join(root, "src/index.ts"),
  worker: path.join(root, "workers/worker.ts"),
  esbuild: path.join(root, "plugins/esbuild.ts"),
  webpack: path.join(root, "plugins/webpack.ts"),
  testing: path.join(root, "src/testing/index.ts"),
  "testing-vitest": path.join(root, "src/testing/vitest.ts"),
  "testing-jest": path.join(root, "src/testing/jest.ts"),
  dashboard: path.join(root, "src/dashboard/index.ts"),
};

/** The files of the page, as texts in the code that serves them, without what only people read. */
const page = Object.fromEntries(
  (["html", "js", "css"] as const).map((kind) => {
    const text = readFileSync(
      path.join(root, "src/dashboard/page", kind === "html" ? "index.html" : `app.${kind}`),
      "utf8",
    );
    const short =
      kind === "html"
        ? text.replace(/\n\s*/g, "\n")
        : transformSync(text, {
            loader: kind,
            minify: true,
            format: "esm",
            target: ["es2022", "chrome120", "firefox120", "safari17"],
          }).code;
    return [`DASHBOARD_${kind.toUpperCase()}`, JSON.stringify(short)];
  }),
);
// What a task may delete or replace under the runner. The runner's file takes them once, at its start, before any task.
const intrinsics = [
  "AbortController, Array, ArrayBuffer, Atomics, BigInt, Buffer, DOMException, Date, Error, Float32Array, Float64Array, Function",
  "Int32Array, JSON, Map, Math, Number, Object, Promise, Proxy, RangeError, Reflect, RegExp, Set, String, Symbol, TypeError",
  "Uint8Array, WeakMap, WeakSet, clearInterval, clearTimeout, performance, process, queueMicrotask, setImmediate, setInterval",
  "setTimeout",
].join(", ");

const common: RolldownOptions = {
  platform: "node",
  external: [/^node:/, "piscina", "vitest", "expect"],
  cwd: root,
  tsconfig: false,
  // CommonJS has none. Who reads it looks for __filename first.
  transform: { target: "node20", define: { "import.meta.url": "undefined", ...page } },
};

// Names and lines as in the sources, because stacks show them and no source map is published (it would be a third of the package).
const commonJs: OutputOptions = {
  format: "cjs",
  exports: "named",
  entryFileNames: "[name].cjs",
  chunkFileNames: "[name].cjs",
  comments: { legal: true, annotation: true, jsdoc: false },
};

// What several entries share is one file and not one for each combination of entries, because every file takes time to load. The
// journal is apart for the command line, and what the threads' side has is apart for the threads.
const parts: OutputOptions["codeSplitting"] = {
  includeDependenciesRecursively: false,
  groups: [
    {
      name: "parts",
      test: /src\/(?!journal\/(?!format\/id)|testing\/|engine\/(?:inline|tasks)\/|base\/shared|core\/retry\/non-retryable|core\/payload\/wire-form)/,
      minShareCount: 2,
    },
  ],
};

// The bundler drops an import of nothing, and without one the compiler does not look for the module that is added to. vitest has
// ES modules alone.
const typeImports: Readonly<Record<string, string>> = {
  "testing-vitest": 'import type {} from "vitest" with { "resolution-mode": "import" };',
  "testing-jest": 'import type {} from "expect";',
};

/**
 * Writes the package's files.
 *
 * There is one copy of the code, in CommonJS: `import` and `require` get the same classes and the same state, so a process that
 * uses both has one library. Two builds would also be twice the size.
 *
 * @param dist the folder
 */
export async function bundle(dist: string): Promise<void> {
  await Promise.all([bundleCode(dist), bundleRunner(dist), bundlePiscinasThread(dist), bundleDeclarations(dist)]);
}

async function bundleCode(dist: string): Promise<void> {
  const cores = Object.fromEntries(Object.entries(entries).map(([name, file]) => [`${name}-core`, file]));
  const input = { ...cores, cli: path.join(root, "src/journal/cli/cli.ts") };
  const build = await rolldown({
    ...common,
    input,
    plugins: [withoutRequire],
    // What `parts` asks for. No entry exports more by it: test/package/contents.test.ts.
    preserveEntrySignatures: "allow-extension",
  });
  const { output } = await build.write({ ...commonJs, codeSplitting: parts, dir: dist });
  for (const name of Object.keys(entries)) {
    const core = output.find((part) => part.type === "chunk" && part.name === `${name}-core`);
    if (core?.type !== "chunk") throw new Error(`there is no ${name}-core`);
    const needsPiscina = core.code.includes("providePiscina");
    for (const [file, text] of Object.entries(facesOf(name, core.exports.sort(), needsPiscina))) {
      writeFileSync(path.join(dist, file), text);
    }
  }
}

/** What `import` and `require` load: the two files that name the exports of one core. */
function facesOf(name: string, exported: readonly string[], needsPiscina: boolean): Record<string, string> {
  const required = [`const library = require("./${name}-core.cjs");`];
  const imported = [`import library from "./${name}-link.cjs";`];
  if (needsPiscina) {
    required.push('library[Symbol.for("providePiscina")](require("piscina"));');
    imported.push('import * as piscina from "piscina";', 'library[Symbol.for("providePiscina")](piscina);');
  }
  const names = exported.join(", ");
  return {
    // Node looks through what a module imports for the names of exports, and through what that file hands on; for the core it takes
    // 10 ms and more. It does not recognize this form.
    [`${name}-link.cjs`]: `const library = require("./${name}-core.cjs");\nmodule.exports = library;\n`,
    [`${name}.cjs`]: [...required, ...exported.map((one) => `exports.${one} = library.${one};`), ""].join("\n"),
    [`${name}.js`]: [...imported, `export const { ${names} } = library;`, ""].join("\n"),
  };
}

/**
 * Takes `require` out of the core. An application that is bundled as an ES module has none: esbuild's bundle ends with
 * `Dynamic require of "node:fs" is not supported`. Node's modules come from `process.getBuiltinModule`, and Piscina from the
 * file that loads the core: as an import where that is a module. What few applications have loaded is loaded when it is used.
 */
const withoutRequire = {
  name: "without-require",
  renderChunk: (code: string): string =>
    code
      .replace(/\brequire\("(node:[a-z_/0-9]+)"\)/g, 'process.getBuiltinModule("$1")')
      .replace(/^(let )?node_(https|tls|cluster) = .+\n/gm, "")
      .replace(/\bnode_(https|tls|cluster)\.(default\.)?/g, 'process.getBuiltinModule("node:$1").')
      .replace(
        'let piscina = require("piscina");',
        'let piscina;\nexports[Symbol.for("providePiscina")] = (library) => {\n\tpiscina = library;\n};',
      ),
};

// The runner is a file of its own, whole: threads load it, and whoever bundles the library may have to copy it. Its name is
// unlike anything an application has in its `dist`, since bundlers have put our code next to such files.
// CommonJS, because Piscina loads it by require(), and up to Node 22 the whole process aborts when a thread is terminated while
// it requires an ES module (v8::Module::IsGraphAsync; seen on 20.20 and 22.23, 1 in 500 at that moment).
async function bundleRunner(dist: string): Promise<void> {
  const input = { "offload-after-response-runner": path.join(root, "workers/runner.ts") };
  const build = await rolldown({ ...common, input });
  const banner = `"use strict"; const { ${intrinsics} } = globalThis;`;
  await build.write({ ...commonJs, dir: dist, banner });
}

// For applications that are bundled with Piscina in them. Its threads load a file beside its code.
async function bundlePiscinasThread(dist: string): Promise<void> {
  const folder = path.join(root, "node_modules/piscina");
  const input = { "offload-after-response-piscina": path.join(folder, "dist/worker.js") };
  const build = await rolldown({ ...common, input, external: [/^node:/, "@napi-rs/nice"] });
  const licence = readFileSync(path.join(folder, "LICENSE"), "utf8").trim();
  await build.write({ ...commonJs, dir: dist, banner: `/*! The thread of piscina.\n\n${licence}\n*/` });
}

// By rolldown, because TypeScript 7 has no API that another bundler of declarations could use. The sources have
// isolatedDeclarations, so no types have to be inferred.
async function bundleDeclarations(dist: string): Promise<void> {
  const plugins = dts({ oxc: { stripInternal: true }, emitDtsOnly: true, tsconfig: false });
  const build = await rolldown({ ...common, input: entries, plugins });
  await build.write({ dir: dist, format: "es", entryFileNames: "[name].cjs", chunkFileNames: "[name].cjs" });
  for (const [name, line] of Object.entries(typeImports)) {
    const file = path.join(dist, `${name}.d.cts`);
    writeFileSync(file, `${line}\n${readFileSync(file, "utf8")}`);
  }
  for (const name of Object.keys(entries)) {
    writeFileSync(path.join(dist, `${name}.d.ts`), `export * from "./${name}.cjs";\n`);
  }
}
