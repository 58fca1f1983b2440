// The thread of the raw contender: arrays of tasks come, arrays of results go.
import { parentPort } from "node:worker_threads";
import * as tasks from "./tasks.js";

// Only those that take a payload alone are asked for.
const functions = tasks as Record<string, unknown> as Record<string, (payload: never) => unknown>;

parentPort?.on("message", ({ names, payloads }: { names: string[]; payloads: never[] }) => {
  parentPort?.postMessage(payloads.map((payload, index) => functions[names[index] ?? ""]?.(payload)));
});
