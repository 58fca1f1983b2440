// Runs a task that runs out of memory in a process of its own, and says what that ended: the task, or the process.
import { spawnSync } from "node:child_process";
import path from "node:path";
import { pathToFileURL } from "node:url";

const app = path.join(import.meta.dirname, "fixtures/out-of-memory-app.js");

/** Whose memory is limited: that of the thread by `pool.resourceLimits`, or that of all by the process's own option. */
export type MemoryLimit = "resourceLimits" | "--max-old-space-size";

export interface OutOfMemory {
  /** `alone`: with `AR_OUT_OF_MEMORY`; `process`: V8 ended it; otherwise what the task ended with. */
  readonly ended: "alone" | "process" | (string & {});
}

/** The names of the ways. */
export async function outOfMemoryWays(): Promise<string[]> {
  const module: object = await import(
    pathToFileURL(path.join(import.meta.dirname, "fixtures/out-of-memory-tasks.js")).href
  );
  return Object.keys(module);
}

/**
 * @param way a task of fixtures/out-of-memory-tasks.js
 * @param node the program of Node.js
 */
export function runOutOfMemory(way: string, limit: MemoryLimit, node: string = process.execPath): OutOfMemory {
  const limits = limit === "resourceLimits" ? { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16 } : undefined;
  const options = limits ? [] : ["--max-old-space-size=64"];
  const { stdout, status } = spawnSync(node, [...options, app, JSON.stringify({ way, limits })], {
    encoding: "utf8",
    timeout: 120_000,
    killSignal: "SIGKILL",
    // What V8 writes when it runs out of memory is no news.
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, NODE_OPTIONS: undefined },
  });
  const ended = /^ended: (.*)$/m.exec(stdout)?.[1];
  if (ended === undefined) return { ended: status === 0 ? "nothing" : "process" };
  return { ended: ended === "AR_OUT_OF_MEMORY" ? "alone" : ended };
}
