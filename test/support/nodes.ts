// The versions of Node.js that a test can run a program with: this one, and those that NODES names, a path each.
import { execFileSync } from "node:child_process";
import path from "node:path";

export interface NodeBinary {
  readonly path: string;
  /** As `process.version`. */
  readonly version: string;
}

/** This Node.js first. `NODES` is a list of binaries as PATH is one of folders. */
export function nodes(): NodeBinary[] {
  const others = (process.env.NODES ?? "").split(path.delimiter).filter((file) => file !== "");
  return [
    { path: process.execPath, version: process.version },
    ...others.map((file) => ({ path: file, version: execFileSync(file, ["--version"], { encoding: "utf8" }).trim() })),
  ];
}
