// What the manifest and the lockfile may say: exact versions, everything that `npm ci` asks for, and nothing of the
// machine or the registry that wrote them.

interface Entry {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** The part of package.json that is looked at. */
export interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** The part of package-lock.json that is looked at. */
export interface Lockfile {
  readonly packages: Readonly<Record<string, Entry>>;
}

const exact = /^(npm:(@[\w.-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/;
const ofAMachine = /^(\/|[A-Za-z]:[\\/]|file:\/|https?:\/\/)/;

/** One sentence for each thing that does not belong there, or is missing. */
export function lockfileProblems(manifest: Manifest, lockfile: Lockfile): string[] {
  const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
  const installed = Object.entries(lockfile.packages).filter(([where]) => where !== "");
  const names = new Set(installed.map(([where]) => where.slice(where.lastIndexOf("node_modules/") + 13)));
  return [
    ...versions
      .filter(([, version]) => !exact.test(version))
      .map(([name, version]) => `package.json: ${name} is ${version}, expected one exact version`),
    ...installed.flatMap(([where, entry]) => entryProblems(entry, names).map((problem) => `${where} ${problem}`)),
  ];
}

function entryProblems(entry: Entry, names: ReadonlySet<string>): string[] {
  const problems: string[] = [];
  if (!entry.link && entry.integrity === undefined) problems.push("has no integrity");
  if (!entry.link && entry.resolved !== undefined) problems.push("records where it came from; .npmrc leaves that out");
  for (const value of [entry.version, entry.resolved]) {
    if (value !== undefined && ofAMachine.test(value)) problems.push(`names ${value}, out of reach for other machines`);
  }
  // Packages for other platforms. npm leaves out those it cannot have when it writes the file, and those that are not
  // installed when it writes it from node_modules; then `npm ci` refuses the file.
  for (const name of Object.keys(entry.optionalDependencies ?? {})) {
    if (!names.has(name)) problems.push(`has no entry for its optional ${name}; npm ci will refuse the lockfile`);
  }
  return problems;
}
