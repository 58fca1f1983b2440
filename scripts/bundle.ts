// What the package consists of: its code as CommonJS, a thin ES module over it, its declarations, and the runner of the threads.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { transformSync } from "esbuild";
import { type OutputOptions, type RolldownOptions, rolldown } from "rolldown";
import { dts } from "rolldown-plugin-dts";
import { codeSplitting, shortLocals, withoutRequire } from "./chunks.js";
import { root } from "./run.js";

/** The entries of the package that have declarations. */
const entries: Readonly<Record<string, string>> = {
  index: path.join(root, "src/index.ts"),
  worker: path.join(root, "workers/worker.ts"),
  esbuild: path.join(root, "plugins/esbuild.ts"),
  webpack: path.join(root, "plugins/webpack.ts"),
  bullmq: path.join(root, "src/engine/remote/bullmq/index.ts"),
  "pg-boss": path.join(root, "src/engine/remote/pg-boss/index.ts"),
  prometheus: path.join(root, "src/prometheus/index.ts"),
  otel: path.join(root, "src/otel/index.ts"),
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
  external: [/^node:/, "piscina", "vitest", "expect", "@opentelemetry/api", "bullmq", "pg-boss", "pg"],
  cwd: root,
  tsconfig: false,
  // CommonJS has none. Who reads it looks for __filename first.
  transform: { target: "node20", define: { "import.meta.url": "undefined", ...page } },
};

// No source map is published: it would be a third of the package.
const commonJs: OutputOptions = {
  format: "cjs",
  exports: "named",
  entryFileNames: "[name].cjs",
  chunkFileNames: "[name].cjs",
  comments: { legal: true, annotation: true, jsdoc: false },
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
  const input = {
    ...cores,
    cli: path.join(root, "src/journal/cli/cli.ts"),
    // It shares what it needs with the core, because it is loaded from the installed package alone.
    "offload-after-response-engine": path.join(root, "workers/engine.ts"),
    "offload-after-response-bullmq": path.join(root, "src/engine/remote/bullmq/client.ts"),
    "offload-after-response-pg-boss": path.join(root, "src/engine/remote/pg-boss/client.ts"),
  };
  const build = await rolldown({
    ...common,
    input,
    plugins: [withoutRequire, shortLocals],
    preserveEntrySignatures: "allow-extension",
  });
  const { output } = await build.write({ ...commonJs, dir: dist, codeSplitting: codeSplitting() });
  for (const name of Object.keys(entries)) {
    const core = output.find((part) => part.type === "chunk" && part.name === `${name}-core`);
    if (core?.type !== "chunk") throw new Error(`there is no ${name}-core`);
    for (const [file, text] of Object.entries(facesOf(name, core.exports.sort()))) {
      writeFileSync(path.join(dist, file), text);
    }
  }
  // Nothing requires them any more.
  for (const name of ["index-core", "rolldown-runtime"]) rmSync(path.join(dist, `${name}.cjs`), { force: true });
  const code = output.map((part) => (part.type === "chunk" ? part.code : "")).join("");
  if (code.includes("require_rolldown_runtime")) throw new Error("a part of the code needs the runtime of rolldown");
}

// Never called. Tools that copy the files which a program needs, Next.js for `output: "standalone"` among them, read it.
const runnerForTracers = '() => require("node:path").join(__dirname, "offload-after-response-runner.cjs");';

/** What `import` and `require` load: the files that name the exports of one core. */
function facesOf(name: string, exported: readonly string[]): Record<string, string> {
  const isMain = name === "index";
  const required = [`const library = require("./${name}-link.cjs");`];
  const imported = [`import library from "./${name}-link.cjs";`];
  if (isMain) {
    required.push('library[Symbol.for("providePiscina")](require("piscina"));');
    imported.push('import * as piscina from "piscina";', 'library[Symbol.for("providePiscina")](piscina);');
  }
  const names = exported.join(", ");
  return {
    // Node looks through what a module imports for the names of exports, and through what that file hands on; for the core it takes
    // 10 ms and more. It does not recognize this form.
    [`${name}-link.cjs`]: isMain
      ? mainLink(exported)
      : `const library = require("./${name}-core.cjs");\nmodule.exports = library;\n`,
    [`${name}.cjs`]: [...required, ...exported.map((one) => `exports.${one} = library.${one};`), ""].join("\n"),
    [`${name}.js`]: [...imported, `export const { ${names} } = library;`, ""].join("\n"),
  };
}

/** The main entry is imported for its errors, too, also by tasks in their threads: the core comes with the first offloader. */
function mainLink(exported: readonly string[]): string {
  const others = exported.filter((name) => name !== "createOffloader");
  return `const { ${others.join(", ")} } = require("./errors.cjs");
let piscina;
let core;
function createOffloader(options) {
  if (core === undefined) {
    core = require("./core.cjs");
    core[Symbol.for("providePiscina")](piscina);
  }
  return core.createOffloader(options);
}
const library = { createOffloader, ${others.join(", ")} };
library[Symbol.for("providePiscina")] = (given) => {
  piscina = given;
};
// The threads load it. Nobody calls this: it is read by what traces the files of a program, such as Next.js for its standalone output.
library[Symbol.for("runner")] = () => require("node:path").join(__dirname, "offload-after-response-runner.cjs");
module.exports = library;
${runnerForTracers}
`;
}

// The runner is a file of its own, whole: threads load it, and whoever bundles the library may have to copy it. Its name is
// unlike anything an application has in its `dist`, since bundlers have put our code next to such files.
// CommonJS, because Piscina loads it by require(), and up to Node 22 the whole process aborts when a thread is terminated while
// it requires an ES module (v8::Module::IsGraphAsync; seen on 20.20 and 22.23, 1 in 500 at that moment).
async function bundleRunner(dist: string): Promise<void> {
  const input = { "offload-after-response-runner": path.join(root, "workers/runner.ts") };
  const build = await rolldown({ ...common, input, plugins: [shortLocals] });
  const banner = `"use strict"; const { ${intrinsics} } = globalThis;`;
  await build.write({ ...commonJs, dir: dist, banner });
}

// For applications that are bundled with Piscina in them. Its threads load a file beside its code.
async function bundlePiscinasThread(dist: string): Promise<void> {
  const folder = path.join(root, "node_modules/piscina");
  const input = { "offload-after-response-piscina": path.join(folder, "dist/worker.js") };
  const build = await rolldown({ ...common, input, external: [/^node:/, "@napi-rs/nice"], plugins: [shortLocals] });
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
