// npm run site: stages the documents, generates the API reference, builds the site into site/dist, checks its links, and lists it for
// machines. A warning of a program fails it.
import { spawnSync } from "node:child_process";
import path from "node:path";
import { checkReference } from "./api.mjs";
import { checkLinks } from "./links.mjs";
import { writeLlmsTxt } from "./llms.mjs";
import { stage } from "./stage.mjs";

const bin = path.join(import.meta.dirname, "node_modules/.bin");

function run(program, ...args) {
  const { status, stdout, stderr } = spawnSync(path.join(bin, program), args, {
    cwd: import.meta.dirname,
    encoding: "utf8",
  });
  const output = stdout + stderr;
  process.stdout.write(output);
  if (status !== 0) throw new Error(`${program} failed`);
  if (/\(!\)|warn|not loaded|deprecat/i.test(output)) throw new Error(`${program} has warned`);
}

stage();
run("typedoc");
checkReference(path.join(import.meta.dirname, ".pages/api.json"));
run("vitepress", "build", ".");
checkLinks(path.join(import.meta.dirname, "dist"));
writeLlmsTxt();
