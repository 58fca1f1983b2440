// What the main thread and the threads say to each other, and the memory they share.

import type { MessagePort } from "node:worker_threads";
import type { WireError } from "../../core/payload/thrown.js";

/** Main thread -> thread, through the port of its greeting. */
export type ToThread = BatchMessage | AbortMessage | CollectMessage | EndMessage;

/** The one Piscina task of a thread: load the tasks module. All else goes through `port`. */
export interface HelloMessage {
  readonly port: MessagePort;
  /** URL of the tasks module. */
  readonly tasks: string;
  /** Ids are this and the task's number. */
  readonly idPrefix: string;
  readonly control: SharedArrayBuffer;
  /** Batches that are worked on at the same time. */
  readonly concurrency: number;
  /** Added to the niceness of the thread; 0: nothing. */
  readonly niceness: number;
  /** Whether the thread is to say how much memory it holds. */
  readonly weigh: boolean;
}

export type HelloReply =
  | { readonly threadId: number; readonly names: readonly string[] }
  | { readonly threadId: number; readonly error: WireError };

/**
 * Tasks to be run one after the other. A tuple, for the names of an object's fields are a tenth of what a message with one
 * tiny task costs; what is the same for all tasks is said once or not at all.
 */
export type BatchMessage = readonly [
  slot: number,
  /** The name of all, or one each. */
  names: string | readonly string[],
  seqs: readonly number[],
  payloads: readonly unknown[],
  rest?: BatchRest | undefined,
];

/** What few batches have, each list with one item a task. */
export interface BatchRest {
  /** Left out: all 1. */
  readonly attempts?: readonly number[] | undefined;
  /** Left out: all undefined. */
  readonly contexts?: readonly unknown[] | undefined;
  /** Of tasks that another process accepted; left out: all are made of `idPrefix` and `seqs`. */
  readonly ids?: readonly string[] | undefined;
}

/** What the tasks of a batch came to: the slot alone where the cells say all there is to say. A tuple for the same reason. */
export type BatchReply = number | LongReply;

export type LongReply = readonly [
  slot: number,
  /** Of the tasks whose cell says `returned`, in their order. */
  values: readonly unknown[] | undefined,
  /** Of the tasks whose cell says `failed`, in their order. */
  failures?: readonly WireError[] | undefined,
  /**
   * Values that stayed behind, by their place in `values`, and why: a message when the value cannot be cloned, null when it
   * is large and was not asked for.
   */
  kept?: readonly (readonly [place: number, why: string | null])[] | undefined,
];

/** Wakes the signal of a running task; the cell says so already to a task that looks. */
export interface AbortMessage {
  readonly kind: "abort";
  readonly slot: number;
  readonly index: number;
  readonly reason: WireError;
}

/** Say what the batch in a slot has to reply so far: one of its tasks is slow. */
export interface CollectMessage {
  readonly kind: "collect";
  readonly slot: number;
}

/** Run the teardown hooks, write out what is left of the output, exit. */
export interface EndMessage {
  readonly kind: "end";
}

/** Thread -> main thread, through the same port, so that what a task says comes before its end; a reply: the batch has ended. */
export type FromThread = BatchReply | ReplySoFar | Remark;

/** What the tasks of a batch came to that have ended, while it goes on or its thread is made to exit. */
export interface ReplySoFar {
  readonly kind: "soFar";
  /** So many tasks, from the beginning of the batch on. */
  readonly ended: number;
  readonly reply: BatchReply;
}

/** What comes unasked, as far as there is credit for it. */
export type Remark =
  | { readonly kind: "progress"; readonly seq: number; readonly value: unknown }
  | {
      readonly kind: "log";
      readonly seq: number;
      readonly level: LogLevel;
      readonly message: string;
      readonly fields?: object;
    }
  /** Lines and progress values that were dropped since the last message, for the main thread did not keep up. */
  | { readonly kind: "dropped"; readonly count: number }
  /** A rejection or exception that belongs to no running task. */
  | { readonly kind: "stray"; readonly error: WireError };

export type LogLevel = "debug" | "info" | "warn" | "error";

// The shared memory of one thread: a header, then for each slot one cell a task, its run time, whether its result is wanted,
// and when the current task began. A batch is in one slot; a cell is the one truth about who may still touch a task.

export const slotSize = 256;

/** Nobody has begun it: the thread may begin it, the main thread may take it back. Whoever exchanges first has it. */
export const untouched = 0;
export const begun = 1;
/** Running, and it is to end: the main thread put it there. */
export const aborted = 2;
/** It succeeded and returned nothing. */
export const succeeded = 3;
export const failed = 4;
/** Taken back by the main thread: the thread passes it over. */
export const takenBack = 5;
/** It succeeded and returned something, which the reply tells; lost when the thread dies before it replies. */
export const returned = 6;

/** Header fields. */
/** How many remarks of the thread the main thread has heard. */
export const heardField = 0;
/** MiB on the thread's heap and in its buffers, after its last batch. */
export const memoryField = 1;

/** Remarks of a thread that may be under way at a time. */
export const remarkCredit = 256;

const headerBytes = 8;
const slotBytes = 8 + slotSize * 4 + slotSize * 4 + slotSize;

/** One slot's views. */
export interface SlotMemory {
  readonly cells: Int32Array;
  /** ms a task. */
  readonly runMs: Float32Array;
  readonly wanted: Uint8Array;
  /** `[0]`: `sharedNow()` at the beginning of the task that runs now. */
  readonly beganAt: Float64Array;
}

export function createControl(slots: number): SharedArrayBuffer {
  return new SharedArrayBuffer(headerBytes + slots * slotBytes);
}

export function headerOf(control: SharedArrayBuffer): Int32Array {
  return new Int32Array(control, 0, headerBytes / 4);
}

export function slotMemory(control: SharedArrayBuffer, slot: number): SlotMemory {
  const start = headerBytes + slot * slotBytes;
  return {
    beganAt: new Float64Array(control, start, 1),
    cells: new Int32Array(control, start + 8, slotSize),
    runMs: new Float32Array(control, start + 8 + slotSize * 4, slotSize),
    wanted: new Uint8Array(control, start + 8 + slotSize * 8, slotSize),
  };
}

// `performance.now()` counts from the start of its own thread, `hrtime` from the same moment in all.
const offset = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** ms on a monotonic clock that all threads share. */
export function sharedNow(): number {
  return offset + performance.now();
}
