// The hooks of ./typescript.mjs.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const cache = path.join(import.meta.dirname, "../../node_modules/.cache/offload-after-response/typescript");
const isCompiled = /^file:.*(?<!\/node_modules\/.*)\.m?ts$/;
const isRelative = /^\.{1,2}\/.*\.m?js$/;

/** An import of `./x.js` means `./x.ts` where there is no such JavaScript. */
export function resolve(specifier, context, next) {
  if (!isRelative.test(specifier) || context.parentURL === undefined) return next(specifier, context);
  const typed = specifier.replace(/js$/, "ts");
  const exists = (name) => existsSync(new URL(name, context.parentURL));
  return next(!exists(specifier) && exists(typed) ? typed : specifier, context);
}

export function load(url, context, next) {
  if (!isCompiled.test(url)) return next(url, context);
  const file = fileURLToPath(url);
  return { format: "module", source: compiled(file, readFileSync(file, "utf8")), shortCircuit: true };
}

function compiled(file, source) {
  const kept = path.join(cache, `${createHash("sha1").update(file).update("\0").update(source).digest("hex")}.mjs`);
  if (existsSync(kept)) return readFileSync(kept, "utf8");
  const { transformSync } = createRequire(import.meta.url)("esbuild");
  const { code } = transformSync(source, { loader: "ts", sourcefile: file, sourcemap: "inline", target: "node20" });
  mkdirSync(cache, { recursive: true });
  // Other processes read it meanwhile.
  const own = `${kept}.${process.pid}`;
  writeFileSync(own, code);
  renameSync(own, kept);
  return code;
}
