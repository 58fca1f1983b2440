// The states of a shutdown, in their order, and what `onStep` is called with in each.
import type { OpenRequest } from "../http/open-request.js";

/**
 * - `serving`: no shutdown yet
 * - `leaving`: readiness answers 503, responses say `Connection: close`, requests are still served
 * - `closing`: the listeners are closed, open requests finish
 * - `draining`: no request is left; tasks finish, and may dispatch others
 * - `aborting`: the time is over; tasks are aborted, and abandoned if that does not end them
 * - `ending`: threads end, then the hooks run
 * - `ended`: the report is there; the process exits
 */
export type ShutdownState = "serving" | "leaving" | "closing" | "draining" | "aborting" | "ending" | "ended";

/** One step of a shutdown. */
export interface ShutdownStep {
  /** The state that begins with this step. */
  readonly state: ShutdownState;
  /** What began the shutdown: a signal's name, or what `close()` was given. */
  readonly reason: string;
  /** Until the deadline, in ms. */
  readonly leftMs: number;
  /** The requests without a complete answer. */
  readonly openRequests: readonly OpenRequest[];
  /** Tasks and callbacks in no final state. */
  readonly unfinished: number;
}

/** Called at each step of a shutdown. */
export type OnStep = (step: ShutdownStep) => void;
