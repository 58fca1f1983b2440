// Who takes part in the store benchmark: what is installed for it, on which Node.js each runs, and why some are left out.
import { isBuiltin } from "node:module";
import { nodeBinary } from "../../../scripts/nodes.js";
import {
  betterSqlite3,
  bullmq,
  bullmqThreads,
  nodeSqlite,
  plainjob,
  pQueue,
  sidequest,
} from "../../contenders/stores/all.js";
import { installOnDemand, type OnDemand } from "../../harness/on-demand.js";
import { hasRedis } from "../../harness/redis.js";

export interface Participants {
  readonly names: readonly string[];
  /** Who does not take part, and why. They have a row that says so. */
  readonly missing: ReadonlyMap<string, string>;
  /** The folders of the packages that are no dev dependencies, by name. */
  readonly installed: Readonly<Record<string, string>>;
  /** The binaries of Node.js of those that do not run on this one. */
  readonly nodes: Readonly<Record<string, string>>;
}

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

// 13 has its binaries in the package, and crashes on Node.js 20; 12 runs there, and is downloaded from GitHub or compiled.
export const betterSqlite3Version: string = major >= 22 ? "13.2.0" : "12.11.1";

/** The Node.js for sidequest, which needs 22.6: undefined if this one will do. */
export const sidequestNode: string | undefined = major > 22 || (major === 22 && minor >= 6) ? undefined : "22.23.3";

const opensDatabase = "new (require(process.argv[1]))(':memory:')";

function loads(entry: string): string {
  return `import(require("node:url").pathToFileURL(process.argv[1] + "/${entry}"))`;
}

/** By the contender that needs it. */
const packages: Readonly<Record<string, OnDemand>> = {
  [betterSqlite3]: { name: "better-sqlite3", version: betterSqlite3Version, works: opensDatabase },
  [plainjob]: { name: "plainjob", version: "0.0.14", works: loads("dist/plainjob.js") },
  [pQueue]: { name: "p-queue", version: "9.3.5", works: loads("dist/index.js") },
  [sidequest]: {
    name: "sidequest",
    version: "1.16.4",
    works: loads("dist/index.js"),
    beside: { "@sidequest/sqlite-backend": "1.16.5" },
    // The newest of each asks for versions of the others that do not exist. Its better-sqlite3 would be compiled.
    overrides: { "@sidequest/core": "1.16.4", "@sidequest/backend": "1.16.4", "better-sqlite3": "13.2.0" },
    scripts: false,
  },
};

/** @param wanted what is to be measured; nothing is installed for the others */
export function takePart(wanted: readonly string[], say: (line: string) => void): Participants {
  const missing = new Map<string, string>();
  const installed: Record<string, string> = {};
  const nodes: Record<string, string> = {};
  if (!hasRedis()) for (const name of [bullmq, bullmqThreads]) missing.set(name, "no redis-server on this machine");
  // Behind a flag until 22.13. Asked for in this way it is not loaded, which some versions warn of.
  if (!isBuiltin("node:sqlite")) missing.set(nodeSqlite, `not in Node.js ${process.version}`);
  if (sidequestNode !== undefined && wanted.includes(sidequest)) {
    try {
      nodes[sidequest] = nodeBinary(sidequestNode);
    } catch {
      missing.set(sidequest, `it needs Node.js 22.6 or later, and ${sidequestNode} could not be installed`);
    }
  }
  for (const [contender, needed] of Object.entries(packages)) {
    if (missing.has(contender) || !wanted.includes(contender)) continue;
    const folder = installOnDemand({ ...needed, node: nodes[contender] ?? process.execPath }, say);
    if (folder !== undefined) installed[needed.name] = folder;
    else missing.set(contender, `${needed.name} ${needed.version} could not be installed or loaded`);
  }
  const without = missing.get(betterSqlite3);
  if (without !== undefined) missing.set(plainjob, without);
  for (const name of missing.keys()) if (!wanted.includes(name)) missing.delete(name);
  for (const [name, why] of missing) say(`LEFT OUT: ${name}: ${why}`);
  return { names: wanted.filter((name) => !missing.has(name)), missing, installed, nodes };
}
