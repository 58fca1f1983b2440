// `offload-after-response/bullmq`: tasks on the queue of BullMQ, on Redis or Valkey.
/** @module offload-after-response/bullmq */
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { EngineChoice } from "../remote-engine.js";
import { type BullMQOptions, resolveBullMQ } from "./options.js";

export type { BullMQOptions } from "./options.js";

/** BullMQ keeps a task as one value of Redis, and everybody who looks at the queue reads it. */
const maxBytes = 256 * 1024;

/**
 * The option `engine` for BullMQ: released tasks go to its queue, and the threads of any process with the same queue run them. It
 * needs the package `bullmq`, version 6 or later.
 *
 * @param options where Redis is, and the name of the queue
 * @returns for the option `engine` of `createOffloader`
 * @throws OffloadError AR_INVALID_OPTIONS naming the option, what was expected and what was given
 * @example
 * ```ts
 * import { createOffloader } from "offload-after-response";
 * import { bullmq } from "offload-after-response/bullmq";
 *
 * createOffloader({
 *   tasks: "./workers/tasks.js",
 *   journal: { dir: "/var/lib/photos/journal" },
 *   engine: bullmq({ connection: "redis://127.0.0.1:6379", queue: "photos" }),
 * });
 * ```
 */
export function bullmq(options: BullMQOptions): EngineChoice {
  return {
    name: "bullmq",
    module: pathToFileURL(path.join(__dirname, "offload-after-response-bullmq.cjs")).href,
    options: resolveBullMQ(options),
    limits: { maxBytes, replace: false, transactional: false },
  };
}
