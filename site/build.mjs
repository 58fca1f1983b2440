// npm run site: stages the documents, generates the API reference, builds the site into site/dist, and lists it for machines.
import { spawnSync } from "node:child_process";
import path from "node:path";
import { checkReference } from "./api.mjs";
import { writeLlmsTxt } from "./llms.mjs";
import { stage } from "./stage.mjs";

const bin = path.join(import.meta.dirname, "node_modules/.bin");

function run(program, ...args) {
  const { status } = spawnSync(path.join(bin, program), args, { cwd: import.meta.dirname, stdio: "inherit" });
  if (status !== 0) throw new Error(`${program} failed`);
}

stage();
run("typedoc");
checkReference(path.join(import.meta.dirname, ".pages/api.json"));
run("vitepress", "build", ".");
writeLlmsTxt();
