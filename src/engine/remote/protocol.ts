// The messages between the main thread and the thread of an engine. Whoever reads one knows its kind, and nothing else is posted.
import type { WireError } from "../../core/payload/thrown.js";
import type { WireForm } from "../../core/payload/wire-form.js";
import type { Carrier } from "../../core/trace/carrier.js";
import type { EngineCounts, EngineFailure, EngineTaskHead } from "./remote-engine.js";

/** What the thread is started with. */
export interface EngineThreadData {
  /** URL of the module that exports `connect`. */
  readonly module: string;
  readonly options: unknown;
}

/** A task that is to be forwarded. Its content is in the bytes of the batch, behind that of the one before it. */
export interface TaskHead extends EngineTaskHead {
  /** Its number on the main thread. */
  readonly seq: number;
  readonly encoding: number;
  readonly length: number;
}

/** Tasks that are to be forwarded, as arrays side by side. The rest of each is in its record. */
export interface RecordedTasks {
  readonly seqs: readonly number[];
  readonly ids: readonly string[];
  readonly priorities: readonly (1 | 2 | 3)[];
  readonly attempts: readonly number[];
  /** With holes. */
  readonly keys: readonly (string | undefined)[];
  readonly paths: readonly string[];
  /** Three numbers for each: the index of its path, its offset and its length in bytes. */
  readonly places: readonly number[];
}

/** As `Verdict`, with an error that can be cloned. */
export type WireVerdict =
  | { readonly as: "succeeded" }
  | { readonly as: "retry"; readonly delayMs: number; readonly error: WireError }
  | { readonly as: "failed"; readonly reason: string; readonly error: WireError }
  | { readonly as: "returned"; readonly delayMs: number };

/** A delivery, by its number, and how it ended. */
export interface DeliveryEnd {
  readonly delivery: number;
  readonly verdict: WireVerdict;
}

/** What can be asked of the broker, and what is answered. */
export interface Answers {
  readonly remove: "removed" | "running" | "unknown";
  readonly counts: EngineCounts;
  readonly list: readonly EngineFailure[];
  readonly retry: boolean;
  readonly discard: boolean;
}

export type Question =
  | { readonly what: "remove" | "retry" | "discard"; readonly id: string }
  | { readonly what: "list"; readonly limit: number }
  | { readonly what: "counts" };

export type ToEngine =
  | { readonly kind: "forward"; readonly heads: readonly TaskHead[]; readonly bytes: Uint8Array }
  | { readonly kind: "forward-records"; readonly records: RecordedTasks }
  | { readonly kind: "deliveries"; readonly ends: readonly DeliveryEnd[]; readonly credits: number }
  | { readonly kind: "stop" }
  | { readonly kind: "ask"; readonly number: number; readonly question: Question }
  | { readonly kind: "close"; readonly deadlineMs: number };

/** A delivered task as the main thread makes it. */
export interface DeliveredTask {
  readonly id: string;
  readonly name: string;
  readonly payload: WireForm;
  readonly dispatch: unknown;
  readonly context: WireForm;
  readonly parent: string | undefined;
  readonly carrier: Carrier | undefined;
  readonly acceptedAt: number;
  readonly attempt: number;
  readonly crashes: number;
}

export interface NumberedTask {
  /** The number of the delivery. */
  readonly delivery: number;
  readonly task: DeliveredTask;
}

export type FromEngine =
  | { readonly kind: "state"; readonly up: boolean; readonly error?: WireError | undefined }
  | { readonly kind: "refusing"; readonly error?: WireError | undefined }
  | { readonly kind: "forwarded"; readonly seqs: readonly number[] }
  /** It will never be taken. */
  | { readonly kind: "refused"; readonly seq: number; readonly error: WireError }
  /** The records of these were not found: they may have been written again elsewhere. */
  | { readonly kind: "unread"; readonly seqs: readonly number[] }
  | { readonly kind: "delivered"; readonly tasks: readonly NumberedTask[] }
  | {
      readonly kind: "unreadable";
      readonly delivery: number;
      readonly task: Pick<DeliveredTask, "id" | "name">;
      readonly error: WireError;
    }
  | { readonly kind: "lost"; readonly delivery: number }
  | { readonly kind: "unsettled"; readonly id: string; readonly error: WireError }
  | { readonly kind: "answer"; readonly number: number; readonly value: unknown }
  | { readonly kind: "answer"; readonly number: number; readonly error: WireError }
  | { readonly kind: "closed" };
