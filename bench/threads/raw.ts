// The thread of the raw contender: arrays of payloads come, arrays of results go.
import { parentPort } from "node:worker_threads";
import { tiny, touch } from "./tasks.js";

parentPort?.on("message", (batch: (Parameters<typeof tiny>[0] | Uint8Array)[]) => {
  parentPort?.postMessage(batch.map((payload) => (payload instanceof Uint8Array ? touch(payload) : tiny(payload))));
});
