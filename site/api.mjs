// The API reference, and what it has to say: every exported name has its purpose, each function its parameters, what it throws and
// an example. `npm run site` fails otherwise.
import { readFileSync } from "node:fs";

// Of typedoc's model (ReflectionKind).
const functions = 64;

/** Throws if an exported function lacks a part. What has no words at all is found by typedoc itself. */
export function checkFunctions(file) {
  const faults = [];
  const look = (reflection, where) => {
    for (const child of reflection.children ?? []) {
      const name = `${where}${child.name}`;
      if (child.kind === functions)
        for (const signature of child.signatures ?? []) faults.push(...faultsOf(signature, name));
      look(child, `${name}.`);
    }
  };
  look(JSON.parse(readFileSync(file, "utf8")), "");
  if (faults.length > 0) throw new Error(`the API reference lacks:\n${faults.join("\n")}`);
}

function faultsOf(signature, name) {
  const tags = (signature.comment?.blockTags ?? []).map(({ tag }) => tag);
  const faults = (signature.parameters ?? [])
    .filter(({ comment }) => comment === undefined)
    .map((parameter) => `${name}: @param ${parameter.name}`);
  for (const tag of ["@throws", "@example"]) if (!tags.includes(tag)) faults.push(`${name}: ${tag}`);
  return faults;
}
