// tsx scripts/out-of-memory.ts: which ways of running out of memory end the task alone, and which end the process, on the built
// package. `-- /path/to/node ...` tries other versions of Node.js.
import { execFileSync } from "node:child_process";
import { type MemoryLimit, outOfMemoryWays, runOutOfMemory } from "../test/scenarios/out-of-memory.js";

const nodes = process.argv.length > 2 ? process.argv.slice(2) : [process.execPath];
const limits: readonly MemoryLimit[] = ["resourceLimits", "--max-old-space-size"];

for (const limit of limits) {
  const table: Record<string, Record<string, string>> = {};
  for (const node of nodes) {
    const version = execFileSync(node, ["--version"], { encoding: "utf8" }).trim();
    for (const way of await outOfMemoryWays()) {
      const row = table[way] ?? {};
      table[way] = { ...row, [version]: runOutOfMemory(way, limit, node).ended };
    }
    const ended = Object.values(table).map((row) => row[version]);
    const count = (how: string) => ended.filter((each) => each === how).length;
    console.log(
      `${version}, ${limit}: ${count("process")} end the process, ${count("alone")} fail alone, of ${ended.length}`,
    );
  }
  console.table(table);
}
