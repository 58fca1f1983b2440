// `offload-after-response/worker`: what a tasks module may import.

export type { TaskContext, TaskLog } from "../src/core/task-context.js";
export { NonRetryableError } from "./non-retryable.js";
export { onTeardown, type TeardownHook } from "./teardown.js";
