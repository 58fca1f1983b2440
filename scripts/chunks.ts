// Which file of the package a part of the code is in, so that a process loads only what it uses: the errors at the import, the core
// at the first createOffloader(), the journal with the option `journal`.
import path from "node:path";
import type { CodeSplittingOptions, ModuleInfo } from "rolldown";
import { minifySync } from "rolldown/utils";
import { root } from "./run.js";

// The core begins here.
const coreSource = path.join(root, "src/offloader.ts");

const errors = ["src/base/errors.ts", "src/base/shared.ts", "src/core/retry/non-retryable.ts"].map((file) =>
  path.join(root, file),
);
const journal = path.join(root, "src/journal") + path.sep;
// Checks the options with and without a journal.
const journalOptions = path.join(root, "src/journal/options.ts");

interface Graph {
  getModuleInfo(id: string): ModuleInfo | null;
}

/** The files of the code that several entries share. */
export function codeSplitting(): CodeSplittingOptions {
  let core: ReadonlySet<string> | undefined;
  let always: ReadonlySet<string> | undefined;
  const name = (id: string, graph: Graph): string | null => {
    core ??= reachable(coreSource, graph);
    always ??= reachable(journalOptions, graph);
    if (errors.includes(id)) return "errors";
    if (!core.has(id)) return null;
    return id.startsWith(journal) && !always.has(id) ? "journal" : "core";
  };
  return {
    groups: [{ name, debugName: "parts", includeDependenciesRecursively: false, minSize: 0, minShareCount: 1 }],
  };
}

function reachable(from: string, graph: Graph): ReadonlySet<string> {
  const found = new Set([from]);
  for (const id of found) {
    for (const imported of graph.getModuleInfo(id)?.importedIds ?? []) {
      // Node's modules and Piscina are in no file of the package.
      if (path.isAbsolute(imported)) found.add(imported);
    }
  }
  return found;
}

/**
 * Takes `require` out of the code. An application that is bundled as an ES module has none: esbuild's bundle ends with
 * `Dynamic require of "node:fs" is not supported`. Node's modules come from `process.getBuiltinModule`, and Piscina from the
 * file that loads the core: as an import where that is a module. What few applications have loaded is loaded when it is used.
 */
export const withoutRequire = {
  name: "without-require",
  renderChunk: (code: string, { name }: { readonly name: string }): string => {
    const withBuiltins = withoutInterop(code)
      .replace(/\brequire\("(node:[a-z_/0-9]+)"\)/g, 'process.getBuiltinModule("$1")')
      .replace(/^let node_(https|tls|cluster) = .+\n/gm, "")
      .replace(/\bnode_(https|tls|cluster)\./g, 'process.getBuiltinModule("node:$1").');
    if (name !== "core") return withBuiltins;
    return withLazyJournal(withBuiltins).replace(
      'let piscina = require("piscina");',
      'let piscina;\nexports[Symbol.for("providePiscina")] = (library) => {\n\tpiscina = library;\n};',
    );
  },
};

/**
 * Gives local variables short names, which saves 20 kB of the packed package. Functions, classes, methods and fields keep theirs,
 * and each statement its line, because stacks and debuggers show them.
 */
export const shortLocals = {
  name: "short-locals",
  renderChunk(code: string, { fileName }: { readonly fileName: string }): string {
    const keepNames = { function: true, class: true };
    // The names of private methods and fields would be shortened, too. As public ones they are not.
    const result = minifySync(fileName, code.replace(/#(?=[A-Za-z])/g, asPublic), {
      compress: { target: "node20", keepNames, sequences: false, joinVars: false },
      mangle: { toplevel: false, keepNames },
      codegen: { removeWhitespace: false },
    });
    const [error] = result.errors;
    if (error !== undefined) throw new Error(`${fileName}: ${error.message}`);
    return result.code.replaceAll(asPublic, "#");
  },
};

const asPublic = "written_with_a_hash_";

// createOffloader() uses it, so it is loaded at the start or never: the files may be replaced while a process runs.
function withLazyJournal(code: string): string {
  const names = new Set([...code.matchAll(/\brequire_journal\.(\w+)/g)].map(([, name = ""]) => name));
  const getters = [...names].map((name) => `\tget ${name}() {\n\t\treturn require("./journal.cjs").${name};\n\t}`);
  return code.replace(
    'const require_journal = require("./journal.cjs");',
    `const require_journal = {\n${getters.join(",\n")}\n};`,
  );
}

/** A module of Node's is its own default export, so nothing has to be made of it, and the file that would do it is not needed. */
function withoutInterop(code: string): string {
  return code
    .replace(/^const require_rolldown_runtime = .+\n/m, "")
    .replace(/^(node_\w+) = require_rolldown_runtime\.__toESM\(\1, 1\);\n/gm, "")
    .replace(/\b(node_\w+)\.default\b/g, "$1");
}
