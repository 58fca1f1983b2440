// `offload-after-response/worker`: what a tasks module may import.

export { NonRetryableError } from "../src/core/non-retryable.js";
export type { TaskContext, TaskLog } from "./context.js";
export { onTeardown, type TeardownHook } from "./teardown.js";
