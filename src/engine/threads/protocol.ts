// The messages between the main thread and the threads. The memory they share is in slots/slot-memory.ts.
import type { MessagePort } from "node:worker_threads";
import type { Priority } from "../../core/definition.js";
import type { FollowUpOptions } from "../../core/follow-up.js";
import type { WireError } from "../../core/payload/thrown.js";
import type { WireForm } from "../../core/payload/wire-form.js";
import type { Carrier } from "../../core/trace/carrier.js";
import type { FailureForm } from "./slots/failure-form.js";

/** Main thread -> thread, through the port of its greeting. */
export type ToThread = BatchMessage | StopMessage | CollectMessage | EndMessage | FollowUpAnswer;

export interface Preload {
  readonly url: string;
  /** Import it only where Node, with the loaders it was started with, does not know the module's extension. */
  readonly ifUnknown: boolean;
}

/** The one Piscina task of a thread: load the tasks module. All else goes through `port`. */
export interface HelloMessage {
  readonly port: MessagePort;
  /** URL of the tasks module. */
  readonly tasks: string;
  /** What runs TypeScript, to be imported before the tasks module. */
  readonly preload: Preload | undefined;
  /** The name of the offloader. */
  readonly offloader: string;
  /** Ids are this and the task's number. */
  readonly idPrefix: string;
  readonly control: SharedArrayBuffer;
  /** Batches that are worked on at the same time. */
  readonly concurrency: number;
  /** Added to the niceness of the thread; 0: nothing. */
  readonly niceness: number;
  /** Whether the thread reports how much memory it holds. */
  readonly reportsMemory: boolean;
}

export type HelloReply =
  | { readonly threadId: number; readonly names: readonly string[]; readonly traced: boolean }
  | { readonly threadId: number; readonly error: WireError };

/**
 * Tasks to be run one after the other. A tuple, because the names of an object's fields are a tenth of what a message with
 * one tiny task costs. What is the same for all tasks is written once or not at all. Payloads and contexts are in their wire
 * form.
 */
export type BatchMessage = readonly [
  slot: number,
  /** The name of all, or one each. */
  names: string | readonly string[],
  seqs: readonly number[],
  payloads: readonly unknown[],
  rest?: BatchRest | undefined,
];

/** Fields that few batches need. Each list but the last has one item for each task. */
export interface BatchRest {
  /** Left out: all 1. */
  readonly attempts?: readonly number[] | undefined;
  /** Left out: all undefined. */
  readonly contexts?: readonly unknown[] | undefined;
  /** Of tasks that another process accepted; left out: all are made of `idPrefix` and `seqs`. */
  readonly ids?: readonly string[] | undefined;
  /** Of the tasks that something travels with, in their order, and of no others: of a hundred, one may be traced. */
  readonly traced?: readonly TracedTask[] | undefined;
}

/** `waitMs`: from queued to started. */
export type TracedTask = readonly [index: number, carrier: Carrier, priority: Priority | undefined, waitMs: number];

/**
 * The outcomes of a batch, or of the part of it that has ended since the last report: the slot alone where the slot
 * states say everything. Each outcome is sent once. A tuple for the same reason.
 */
export type BatchReply = number | LongReply;

export type LongReply = readonly [
  slot: number,
  /** Of the tasks in the state `returned`, in their order, in their wire form. */
  values: readonly unknown[] | undefined,
  /** Of the tasks in the state `failed`, in their order. */
  failures?: readonly FailureForm[] | undefined,
  /**
   * Values that stayed behind, by their place in `values`, and why: a message when the value cannot be cloned, null when it
   * is large and was not asked for.
   */
  kept?: readonly (readonly [place: number, why: string | null])[] | undefined,
];

/** Wakes the signal of a running task. A task that looks at `aborted` sees it in its slot state already. */
export interface StopMessage {
  readonly kind: "stop";
  readonly slot: number;
  readonly index: number;
  readonly reason: WireError;
}

/** Send the outcomes that the batch in a slot has so far, because one of its tasks is slow. */
export interface CollectMessage {
  readonly kind: "collect";
  readonly slot: number;
}

/** What became of a follow-up: accepted, or refused. */
export type FollowUpAnswer = { readonly kind: "offloaded"; readonly call: number } & (
  | { readonly id: string }
  | { readonly error: WireError }
);

/** Run the teardown hooks, write out what is left of the output, exit. */
export interface EndMessage {
  readonly kind: "end";
}

/** Thread -> main thread, through the same port, so that a task's remarks come before its end. A reply: the batch has ended. */
export type FromThread = BatchReply | PartialReply | Remark | FollowUpMessage;

/** A task dispatches another, and awaits the answer. */
export interface FollowUpMessage {
  readonly kind: "offload";
  /** Of the asking task. */
  readonly seq: number;
  readonly parent: string;
  /** Numbers the calls of the thread. */
  readonly call: number;
  readonly name: string;
  readonly payload: WireForm;
  readonly options: FollowUpOptions | undefined;
  /** Where the dispatch was traced in the thread. */
  readonly carrier?: Carrier | undefined;
}

/** The outcomes of a batch that goes on, or whose thread is about to exit. */
export interface PartialReply {
  readonly kind: "partial";
  /** How many tasks have ended, counted from the beginning of the batch. */
  readonly ended: number;
  readonly reply: BatchReply;
}

/** What a thread reports beside outcomes, as far as it has credit for it. */
export type Remark =
  | { readonly kind: "progress"; readonly seq: number; readonly value: WireForm }
  | {
      readonly kind: "log";
      readonly seq: number;
      readonly level: LogLevel;
      readonly message: string;
      /** Each in its wire form. */
      readonly fields?: Readonly<Record<string, WireForm>>;
    }
  /** Lines and progress values that were dropped since the last message, because the main thread did not keep up. */
  | { readonly kind: "dropped"; readonly count: number }
  /** A rejection or exception that belongs to no running task. */
  | { readonly kind: "stray"; readonly error: WireError };

export type LogLevel = "debug" | "info" | "warn" | "error";

/** Remarks of a thread that may be under way at a time. */
export const remarkCredit = 256;
