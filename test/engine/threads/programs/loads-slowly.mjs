// To load this takes 20 s in native code. The process is told when that has begun.
import { execFileSync } from "node:child_process";

execFileSync("sh", ["-c", `kill -USR2 ${process.pid}; exec sleep 20`]);

export function nothing() {}
