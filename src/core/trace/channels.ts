// The channels of node:diagnostics_channel on which the library tells what it does (docs/observability.md). Their names do not
// depend on what the package is called. A channel that nobody subscribes to costs one comparison.
import { type Channel, channel, type TracingChannel, tracingChannel } from "node:diagnostics_channel";
import type { Priority, TaskKind } from "../definition.js";
import type { Carrier } from "./carrier.js";

/** The message of `after-response.dispatch`: one for each call, the same object on all of its channels. */
export interface DispatchMessage {
  /** The option `name`. */
  readonly offloader: string;
  readonly task: string;
  readonly kind: TaskKind;
  /** The id of the task that dispatches it. */
  readonly parent: string | undefined;
  /** To be filled by subscribers of `start`, such as with `traceparent`. It travels with the task. */
  readonly carrier: Record<string, unknown>;
  /** Set once it is accepted. With `onDuplicate: "skip"` it may be the id of an earlier task. */
  id?: string;
  /** Set where it is refused, or where the caller's own code threw. */
  error?: unknown;
}

/** The message of `after-response.run`: one for each attempt, the same object on all of its channels. */
export interface RunMessage {
  readonly offloader: string;
  readonly task: string;
  readonly kind: TaskKind;
  readonly id: string;
  readonly attempt: number;
  /** An earlier process accepted it, or it was a dead letter. */
  readonly replayed: boolean;
  /** 0 on the main thread. */
  readonly threadId: number;
  /** Its priority in the queue; undefined where no carrier travels with the task. */
  readonly priority: Priority | undefined;
  /** ms from queued to started; undefined where no carrier travels with the task. */
  readonly waitMs: number | undefined;
  /** What subscribers of the dispatch have put into it. */
  readonly carrier: Carrier | undefined;
  /** Set where it returned something. */
  result?: unknown;
  /** Set where it threw. */
  error?: unknown;
}

/** Of each dispatch, on the main thread; of `task.offload()` in the thread that calls it. */
export const dispatchChannel: TracingChannel<unknown, DispatchMessage> = tracingChannel("after-response.dispatch");

/** Of each attempt: in the thread for a task, on the main thread for a callback. */
export const runChannel: TracingChannel<unknown, RunMessage> = tracingChannel("after-response.run");

/**
 * The end of each attempt of a task or callback with a carrier, on the main thread: its messages are `{ offloader, event }`, with the
 * event that it is an end by. To subscribe to it costs the others nothing.
 */
export const attemptEndChannel: Channel = channel("after-response.attemptEnd");

/** Of each event: its messages are `{ offloader, event }`. */
export function eventChannel(event: string): Channel {
  return channel(`after-response.${event}`);
}
