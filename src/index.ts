// The public names, and nothing else.

export type { TaskContext, TaskLog } from "../workers/context.js";
export { NonRetryableError } from "../workers/non-retryable.js";
export type {
  EachContextCallback,
  EachContextMiddleware,
  EachResponseCallback,
  EachResponseMiddleware,
} from "./after-each-response.js";
export type { Callback, CallbackContext } from "./callbacks/callbacks.js";
export type { DeadLetters, DispatchableTask, DrainReport, Offloader } from "./contract.js";
export type { DeadLetter } from "./journal/dead-letters.js";
export type { JournalOptions } from "./journal/options.js";
export { createOffloader } from "./offloader.js";
export type { CallbackOptions, DispatchOptions, PolicyOptions } from "./options/dispatch-options.js";
export type { OffloaderOptions, PoolOptions } from "./options/offloader-options.js";
export type { AnyTasks, TaskName, TaskPayload, TaskResult } from "./options/typed.js";
export type { ResponseCarrier } from "./response/carrier.js";
export type { CloseOptions } from "./shutdown/close.js";
export type { NamedHook, ShutdownHook } from "./shutdown/hooks.js";
export type { CloseReport, ShutdownReport } from "./shutdown/report.js";
export type { Shutdown, ShutdownOptions } from "./shutdown/shutdown.js";
export type { ShutdownState, ShutdownStep } from "./shutdown/states.js";
export type { OffloaderStats, TaskStats } from "./stats.js";
export type { StateCounts } from "./task/counts.js";
export type { Backoff, Priority } from "./task/definition.js";
export { errorCodes, OffloadError, type OffloadErrorCode } from "./task/errors.js";
export type { EventName, Listener, OffloaderEvents, TaskEvent } from "./task/events.js";
export type { TaskHandle } from "./task/handle.js";
export type { Percentiles } from "./task/histogram.js";
export type { TaskSummary } from "./task/ledger.js";
export type { Logger } from "./task/logger.js";
export type { ResponseOutcome, RunIf } from "./task/outcome.js";
export type { FinalState, TaskState, UnfinishedState } from "./task/states.js";
