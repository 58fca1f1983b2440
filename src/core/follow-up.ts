// What a task dispatches by `task.offload()`, and which options can go with it.
import { OffloadError } from "../base/errors.js";
import { copy } from "./payload/capture.js";
import type { Captured } from "./payload/payload.js";
import type { Dispatch } from "./task.js";
import type { Carrier } from "./trace/carrier.js";

/** Options of `task.offload()`: those of a dispatch that can leave a thread, so no functions. No response is waited for. */
export type FollowUpOptions = {
  readonly [Name in Exclude<keyof Dispatch, "runIf" | "concurrency" | "engine">]?: Exclude<
    Dispatch[Name],
    (...args: never[]) => unknown
  >;
};

/** What a task hands to `task.offload()`. */
export interface FollowUp {
  readonly name: string;
  readonly payload: unknown;
  readonly options: FollowUpOptions | undefined;
  /** The id of the task that asks. */
  readonly parent: string;
  /** What the `context` option returned for that task: its follow-ups get the same. */
  readonly context: Captured;
  /** Where the dispatch was traced already, in the thread. */
  readonly carrier?: Carrier | undefined;
}

/**
 * The options as they leave the task, by the same rules wherever it runs.
 *
 * @throws OffloadError AR_INVALID_OPTIONS for a function and whatever else cannot be copied
 */
export function copyFollowUpOptions(options: FollowUpOptions | undefined): FollowUpOptions | undefined {
  try {
    return copy(options, "options") as FollowUpOptions | undefined;
  } catch (error) {
    throw new OffloadError(
      "AR_INVALID_OPTIONS",
      `task.offload: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}
