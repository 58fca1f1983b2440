// `offload-after-response/worker`: what a tasks module may import.
/** @module offload-after-response/worker */

export { NonRetryableError } from "../src/core/retry/non-retryable.js";
export type { TaskContext, TaskLog } from "../src/core/task-context.js";
export { type AroundTask, aroundTask } from "../src/core/trace/around.js";
export { onTeardown, type TeardownHook } from "./teardown.js";
