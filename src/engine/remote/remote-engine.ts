// What a distributed queue has to do for an offloader: the interface between the part that records, forwards and runs tasks, and
// the part that knows one broker. It stays internal until two engines have proved it.
import type { TransactionClient } from "../../core/transaction-client.js";
import type { TaskContent } from "../../journal/format/content.js";
import type { Loss } from "./thread/loss.js";

/**
 * A task as a broker keeps it. All of it is JSON.
 */
export interface EngineTask {
  /** The id that the dispatch returned. A second submission under the same id is no second task. */
  readonly id: string;
  /** The name of the task. */
  readonly name: string;
  /** Payload, options of the call, context and parent. The broker's part does not look into it. */
  readonly body: TaskBody;
  /** 1 is high, 2 normal, 3 low. */
  readonly priority: 1 | 2 | 3;
  /** How often it may be tried. The worker decides, because it knows the policies and the error. */
  readonly attempts: number;
  /** While an unfinished task of the same name has it, another submission with it is a duplicate. */
  readonly key?: string | undefined;
  /** What tracers wrote into the carrier of the dispatch. */
  readonly trace?: Readonly<Record<string, string>> | undefined;
  /** ms since 1970, by the clock of the process that accepted it. */
  readonly acceptedAt: number;
}

/** A task without its content. */
export interface EngineTaskHead extends Pick<EngineTask, "id" | "name" | "priority" | "attempts" | "acceptedAt"> {
  readonly key: string | undefined;
}

/** `json` where JSON loses nothing, so that an operator can read it; otherwise base64 of what the journal keeps. */
export type TaskBody =
  | { readonly v: 1; readonly enc: "json"; readonly payload: unknown; readonly [field: string]: unknown }
  | { readonly v: 1; readonly enc: "bytes" | "v8"; readonly data: string };

/** What became of one task of a batch. `permanent`: it will never be taken, so it is a dead letter. */
export type Receipt =
  | { readonly ok: true; readonly duplicateOf?: string | undefined }
  | { readonly ok: false; readonly permanent: boolean; readonly error: Error };

/** A task that a worker has been given. */
export interface Delivery {
  readonly task: EngineTask;
  /** 1 for the first. Returns and crashes of workers do not count. */
  readonly attempt: number;
  /** How many workers died while they had it. Above 0, no other task of the queue is in its process while it runs. */
  readonly crashes: number;
  /** Happens when the broker may have given the task to somebody else. */
  readonly lost: Loss;
  /** Tells the broker how the attempt ended. Rejects if the broker cannot be reached: then it gives the task out again. */
  settle(verdict: Verdict): Promise<void>;
}

/** `returned`: the attempt does not count, because of a shutdown, an unknown name or unreadable bytes. */
export type Verdict =
  | { readonly as: "succeeded" }
  | { readonly as: "retry"; readonly delayMs: number; readonly error: Error }
  | { readonly as: "failed"; readonly reason: string; readonly error: Error }
  | { readonly as: "returned"; readonly delayMs: number };

export interface EngineLimits {
  /** Bytes of one task as JSON. What is larger is refused at the call. */
  readonly maxBytes: number;
  /** Whether `onDuplicate: "replace"` is possible. */
  readonly replace: boolean;
  /** Whether a dispatch can be part of the user's own transaction. */
  readonly transactional: boolean;
}

/** How many tasks the broker has, of this queue. */
export interface EngineCounts {
  readonly waiting: number;
  readonly delayed: number;
  readonly running: number;
  readonly failed: number;
}

/** A task that has failed for good, kept by the broker. */
export interface EngineFailure {
  readonly id: string;
  readonly name: string;
  readonly reason: string;
  readonly error: string;
  readonly attempts: number;
  /** ms since 1970. */
  readonly failedAt: number;
}

export interface RemoteEngineEvents {
  /** Told at each change, and once after `open`. A broker that does not answer is down, although its connections are open. */
  state(up: boolean, error?: Error): void;
}

/** One broker, as a client in the thread of the engine. */
export interface RemoteEngine {
  /** Connects in the background, again and again. Never throws. */
  open(events: RemoteEngineEvents): void;
  /**
   * Hands tasks over, in their order. If it rejects, nothing is known, and the same batch is submitted again. A batch may be rejected for
   * the sake of one task: parts of it are submitted then, down to single tasks. A single one that will never be taken gets a receipt.
   *
   * @param signal aborts when nobody waits any more
   * @returns a receipt for each; that of a task that the broker has already is `ok`, and names no other
   */
  submit(batch: readonly EngineTask[], signal: AbortSignal): Promise<readonly Receipt[]>;
  /** Takes tasks as long as credits are left: one for each free place in the threads. */
  consume(deliver: (delivery: Delivery) => void): Consumer;
  /** Takes back a task that waits. */
  remove(id: string): Promise<"removed" | "running" | "unknown">;
  counts(): Promise<EngineCounts>;
  readonly failures: {
    list(limit: number): Promise<readonly EngineFailure[]>;
    /** Delivers it again, as if it had never been tried: no attempt and no crash counts any more. */
    retry(id: string): Promise<boolean>;
    discard(id: string): Promise<boolean>;
  };
  /**
   * Ends all connections. Never rejects, and never ends later, also with the broker dead or frozen. One that does not answer is waited for no
   * longer than some seconds, however much time there is: nothing is to be told any more.
   *
   * @param deadlineMs ms from now
   */
  close(deadlineMs: number): Promise<void>;
}

export interface Consumer {
  /** So many more tasks may be delivered; so many fewer, if the number is negative. Those that were delivered already stay. */
  grant(more: number): void;
  /** Takes no more. What was fetched in that moment is given back, and no attempt is counted. */
  stop(): void;
}

/** What `bullmq({ … })` and `pgBoss({ … })` return: the value of the option `engine`. */
export interface EngineChoice {
  /** For logs and `stats()`. */
  readonly name: string;
  /** URL of the module that exports `connect(options): RemoteEngine`. It is loaded in the engine's own thread. */
  readonly module: string;
  /** Given to `connect`. They travel to a thread, so they are data. */
  readonly options: unknown;
  /** What the broker can take, and what it can do. */
  readonly limits: EngineLimits;
  /** How a task becomes a part of the user's own transaction, on the main thread. Only where `limits.transactional`. */
  readonly transactions?: EngineTransactions | undefined;
}

export interface EngineTransactions {
  /**
   * Makes what is inserted.
   *
   * @throws OffloadError AR_PAYLOAD_NOT_CLONEABLE, AR_PAYLOAD_TOO_LARGE
   */
  make(head: EngineTaskHead, content: TaskContent, mostBytes: number): EngineTask;
  /** Gives the statement to the client before it returns. */
  insert(client: TransactionClient, task: EngineTask): Promise<void>;
}
