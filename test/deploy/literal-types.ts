// Checks documents against TypeScript types as literals, by the compiler itself: unlike the JSON schemas of Kubernetes, which
// let every unknown field pass, it names each one.
import { compilerErrors } from "../support/compile.js";

export interface TypedDocument {
  readonly document: unknown;
  /** The name of an exported type, and of the module that exports it. */
  readonly type: string;
  readonly from: string;
}

/** What the compiler says of the documents; nothing if each is of its type. */
export function typeErrors(documents: readonly TypedDocument[]): Promise<string> {
  const files = documents.map(({ document, type, from }, index) => [
    `document-${index}.ts`,
    `import type { ${type} } from "${from}";\nexport const it: ${type} = ${JSON.stringify(document, null, 2)};\n`,
  ]);
  return compilerErrors(Object.fromEntries(files));
}
