// What the manifest and the lockfile may say: exact versions, and nothing of the machine or registry that wrote them.

const groups = ["dependencies", "devDependencies", "optionalDependencies"] as const;
const exact = /^\d+\.\d+\.\d+(-[\w.]+)?$/;
const ofAMachine = /^(\/|[A-Za-z]:[\\/]|file:\/|https?:\/\/)/;

/** One sentence for each thing in `package.json` or `package-lock.json` that does not belong there. */
export function lockfileProblems(manifest: unknown, lock: unknown): string[] {
  const problems: string[] = [];
  for (const group of groups) {
    for (const [name, version] of entries(at(manifest, group))) {
      if (typeof version !== "string" || !exact.test(version)) {
        problems.push(`package.json: ${name} is ${version}, expected one exact version`);
      }
    }
  }
  for (const [where, entry] of entries(at(lock, "packages"))) {
    const { resolved, link, version, integrity } = fields(entry);
    const installed = where.includes("node_modules/") && link !== true;
    if (installed && integrity === undefined) {
      problems.push(`package-lock.json: ${where} has no integrity`);
    }
    if (installed && resolved !== undefined) {
      problems.push(`package-lock.json: ${where} records where it was downloaded from; .npmrc leaves that out`);
    }
    for (const value of [resolved, version]) {
      if (typeof value === "string" && ofAMachine.test(value)) {
        problems.push(`package-lock.json: ${where} names ${value}, which other machines may not reach`);
      }
    }
  }
  return problems;
}

function at(value: unknown, key: string): unknown {
  return fields(value)[key];
}

function entries(value: unknown): [string, unknown][] {
  return Object.entries(fields(value));
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
