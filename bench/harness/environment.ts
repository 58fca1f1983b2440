// On what the figures were measured: without it they mean nothing.
import { readFileSync } from "node:fs";
import { arch, availableParallelism, cpus, loadavg, platform, totalmem } from "node:os";
import path from "node:path";
import { root } from "../../scripts/run.js";

const contenders = ["piscina", "tinypool", "workerpool", "poolifier", "bullmq", "lmdb", "express", "fastify"];

export interface Environment {
  readonly date: string;
  readonly node: string;
  readonly system: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGB: number;
  /** Processes that wanted a core when the run began: well above 0, others had a share in the figures. */
  readonly load: number;
  readonly versions: Readonly<Record<string, string>>;
}

export function environment(): Environment {
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    system: `${platform()} ${arch()}`,
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryGB: Math.round(totalmem() / 2 ** 30),
    load: loadavg()[0] ?? 0,
    versions: Object.fromEntries(contenders.map((name) => [name, versionOf(name)])),
  };
}

function versionOf(name: string): string {
  const manifest: { version: string } = JSON.parse(
    readFileSync(path.join(root, "node_modules", name, "package.json"), "utf8"),
  );
  return manifest.version;
}
