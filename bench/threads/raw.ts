// The thread of the raw contender: arrays of tasks come, arrays of results go.
import { parentPort } from "node:worker_threads";
import * as tasks from "./tasks.js";

const functions: Record<string, (payload: never) => unknown> = tasks;

parentPort?.on("message", ({ names, payloads }: { names: string[]; payloads: never[] }) => {
  parentPort?.postMessage(payloads.map((payload, index) => functions[names[index] ?? ""]?.(payload)));
});
