// What the API reference has to say: every exported name and each of its members its purpose, each function its parameters, what it
// throws and an example. `npm run site` fails otherwise.
import { readFileSync } from "node:fs";

// Of typedoc's model (ReflectionKind).
const kinds = { module: 2, function: 64, class: 128, interface: 256, constructor: 512 };

/**
 * Throws with the names of all that lack a part. The fields of an object type that has no name of its own are told of by what
 * has that type.
 *
 * @param file what typedoc wrote as JSON
 */
export function checkReference(file) {
  const { children: modules } = JSON.parse(readFileSync(file, "utf8"));
  const faults = modules.flatMap((module) =>
    module.children.flatMap((exported) => faultsOf(exported, `${module.name}: ${exported.name}`)),
  );
  if (faults.length > 0) throw new Error(`the API reference lacks:\n${faults.join("\n")}`);
}

function faultsOf(reflection, name) {
  // A name that two entries export is described once.
  if (reflection.target !== undefined) return [];
  if (reflection.kind === kinds.function)
    return reflection.signatures.flatMap((signature) => faultsOfFunction(signature, name));
  const faults = hasWords(reflection) ? [] : [name];
  if (reflection.kind !== kinds.class && reflection.kind !== kinds.interface) return faults;
  const members = (reflection.children ?? []).filter(
    ({ kind, inheritedFrom }) => kind !== kinds.constructor && !inheritedFrom,
  );
  return [...faults, ...members.filter((member) => !hasWords(member)).map((member) => `${name}.${member.name}`)];
}

function faultsOfFunction(signature, name) {
  const tags = (signature.comment?.blockTags ?? []).map(({ tag }) => tag);
  const parameters = (signature.parameters ?? []).filter(({ comment }) => comment === undefined);
  return [
    ...(hasWords(signature) ? [] : [name]),
    ...parameters.map((parameter) => `${name}: @param ${parameter.name}`),
    ...["@throws", "@example"].filter((tag) => !tags.includes(tag)).map((tag) => `${name}: ${tag}`),
  ];
}

/** Of overloads, one has the words. */
function hasWords({ comment, signatures = [], getSignature }) {
  return [comment, getSignature?.comment, ...signatures.map((signature) => signature.comment)].some(
    (one) => (one?.summary.length ?? 0) > 0,
  );
}
