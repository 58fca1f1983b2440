// The public names, and nothing else.
/** @module offload-after-response */

export { errorCodes, OffloadError, type OffloadErrorCode } from "./base/errors.js";
export type { Logger } from "./base/logger.js";
export type { DeadLetters, DispatchableTask, DrainReport, Offloader } from "./contract.js";
export type { Backoff, Priority, TaskKind } from "./core/definition.js";
export type { EventName, Listener, OffloaderEvents, TaskEvent, ThreadEndCause } from "./core/events.js";
export type { FollowUpOptions } from "./core/follow-up.js";
export type { TaskHandle } from "./core/handle.js";
export type { TaskSummary } from "./core/ledger.js";
export type { StateCounts } from "./core/measure/counts.js";
export type { HistogramSnapshot, Percentiles } from "./core/measure/histogram.js";
export type { ResponseOutcome, RunIf } from "./core/outcome.js";
export { NonRetryableError } from "./core/retry/non-retryable.js";
export type { FinalState, TaskState, UnfinishedState } from "./core/states.js";
export type { TaskContext, TaskLog } from "./core/task-context.js";
export type { TransactionClient } from "./core/transaction-client.js";
export type { Callback, CallbackContext } from "./engine/callbacks/callbacks.js";
export type { EngineState } from "./engine/remote/engine-status.js";
export type { EngineRole } from "./engine/remote/options.js";
export type { EngineChoice } from "./engine/remote/remote-engine.js";
export type { PoolOptions } from "./engine/threads/options.js";
export type { RunningTask, ThreadInfo } from "./engine/threads/thread-info.js";
export type { DeadLetterQuery } from "./intake/call/dead-letters.js";
export type { CallbackOptions, DispatchOptions, PolicyOptions } from "./intake/call/dispatch-options.js";
export type { AnyTasks, DispatchArguments, TaskName, TaskPayload, TaskResult } from "./intake/call/typed.js";
export type { JournalOptions } from "./journal/options.js";
export type { NameSnapshot, OffloaderSnapshot } from "./observe/snapshot.js";
export type { OffloaderStats, TaskStats } from "./observe/stats.js";
export type { TaskInfo, TasksQuery } from "./observe/tasks.js";
export { createOffloader } from "./offloader.js";
export type { LogOptions, OffloaderOptions, QueueOptions } from "./options.js";
export type {
  EachContextCallback,
  EachContextMiddleware,
  EachResponseCallback,
  EachResponseMiddleware,
} from "./response/after-each.js";
export type { ResponseLike } from "./response/response-like.js";
export type { OpenRequest } from "./shutdown/http/open-request.js";
export type { Probe } from "./shutdown/http/probes.js";
export type { ServerLike, ServersArgument } from "./shutdown/http/servers.js";
export type { Shutdown, ShutdownOptions } from "./shutdown/shutdown.js";
export type { CloseOptions, OnAbandoned } from "./shutdown/steps/close.js";
export type { NamedHook, ShutdownHook } from "./shutdown/steps/hooks.js";
export type { CloseReport, ShutdownReport } from "./shutdown/steps/report.js";

export type { OnStep, ShutdownState, ShutdownStep } from "./shutdown/steps/states.js";
export type { UnfinishedTask } from "./shutdown/steps/target.js";
export type { DeadLetter, DeadLetterError, DeadLetterReason, JournalSnapshot } from "./store/store.js";
