// The options of one dispatch, and of all dispatches of a task: their rules, and how the three levels merge.
import type { MessagePort } from "node:worker_threads";
import { describe } from "../../base/errors.js";
import {
  boolean,
  checkOptions,
  either,
  func,
  integer,
  integerOrInfinity,
  milliseconds,
  name,
  object,
  oneOf,
  plainObject,
  type Rule,
  type Rules,
  signal,
} from "../../base/option-rules.js";
import type { Backoff, TaskPolicy } from "../../core/definition.js";
import type { FollowUpOptions } from "../../core/follow-up.js";
import type { Dispatch } from "../../core/task.js";
import { expectedClient, isTransactionClient, type TransactionClient } from "../../core/transaction-client.js";

/** Options for every task (`defaults`), for one name (`policies.<name>`), and, except `concurrency` and `engine`, for one call. */
export interface PolicyOptions extends Partial<TaskPolicy> {}

/** Options of one dispatch. The call wins over the policy of the task, the policy over the defaults. */
export interface DispatchOptions extends Partial<Omit<Dispatch, "concurrency" | "engine">> {
  /**
   * ArrayBuffers (and other transferables) that move to the thread instead of being copied. They are detached when the
   * call returns. This pays from about 1 MB. A task that is tried again needs its payload again: with `attempts` above 1 the
   * buffers move into the library and are copied to the thread, and what cannot be copied, such as a MessagePort, is refused.
   */
  readonly transfer?: readonly (ArrayBuffer | MessagePort)[] | undefined;
  /**
   * Only of `offload()`, with the option `engine: pgBoss({ … })`: a client of `pg` in a transaction of yours, or what pg-boss takes as `db`. The
   * task is inserted by it before the call returns: it runs if the transaction is committed, and is gone with its rollback. The
   * journal has no part in it, and `cancel()` has no effect.
   */
  readonly transaction?: TransactionClient | undefined;
  /** Cancels the task when it aborts. */
  readonly signal?: AbortSignal | undefined;
}

/** Options that are used up by the call itself. */
type CallOnly = Exclude<keyof DispatchOptions, keyof Dispatch>;

/**
 * Options that mean nothing to another process, because the response and whoever could abort are gone. A store keeps all
 * others, also those that are added later.
 */
type ProcessOnly = CallOnly | Extract<keyof DispatchOptions, "runIf">;

const callOnly: Readonly<Record<CallOnly, true>> = { transfer: true, signal: true, transaction: true };
const processOnly: Readonly<Record<ProcessOnly, true>> = { ...callOnly, runIf: true };

/** A value that means the same in another process. */
type Plain = string | number | boolean | undefined | readonly Plain[] | { readonly [name: string]: Plain };

/** Does not compile for an option that is neither plain nor in `ProcessOnly`. */
type OnlyPlain<Options extends { readonly [Name in keyof Options]: Plain }> = Options;

/** What a store keeps of the options of a call. A `backoff` that is a function is not kept. */
export type LastingOptions = OnlyPlain<{
  readonly [Name in Exclude<keyof DispatchOptions, ProcessOnly>]?: Exclude<
    DispatchOptions[Name],
    (...args: never[]) => unknown
  >;
}>;

/** Options of `runAfterResponse`: those of a task that make sense for a closure. The others are refused. */
export type CallbackOptions = Omit<DispatchOptions, "transaction" | "transfer" | "key" | "onDuplicate" | "priority">;

const backoffRule: Rule = {
  ...object<Exclude<Backoff, number | ((...args: never[]) => unknown)>>({
    type: oneOf("constant", "exponential"),
    delay: milliseconds(),
    maxDelay: milliseconds(),
    jitter: {
      expected: "a number from 0 to 1",
      holds: (value) => typeof value === "number" && value >= 0 && value <= 1,
    },
  }),
  // Every field has a default, so that a Date or a Map would pass.
  holds: (value) => plainObject.holds(value) && Object.prototype.toString.call(value) === "[object Object]",
};

const policyRules: Rules<TaskPolicy> = {
  priority: oneOf("high", "normal", "low"),
  timeout: milliseconds(),
  attempts: integer(1),
  backoff: {
    ...either(milliseconds(), func, backoffRule),
    expected: "a number of milliseconds, { type, delay, maxDelay, jitter } or a function",
  },
  runIf: { ...either(oneOf("always", "sent", "ok"), func), expected: '"always", "sent", "ok" or a function' },
  concurrency: integerOrInfinity(1),
  engine: boolean,
};

const { concurrency: _concurrency, engine: _engine, ...perCall } = policyRules;

const dispatchRules: Rules<DispatchOptions> = {
  ...perCall,
  transfer: { expected: "an array of ArrayBuffers", holds: Array.isArray },
  key: name,
  onDuplicate: oneOf("skip", "replace"),
  signal,
  transaction: { expected: expectedClient, holds: isTransactionClient },
};

// A callback goes to no thread, has no priority, and two callbacks are never the same: the other options mean nothing to it.
const { priority: _priority, ...perCallback } = perCall;
const callbackRules: Rules<CallbackOptions> = { ...perCallback, signal };

// No response is waited for, nothing moves, and no function leaves a thread.
const { runIf: _runIf, ...perFollowUp } = perCall;
const followUpRules: Rules<FollowUpOptions> = {
  ...perFollowUp,
  key: dispatchRules.key,
  onDuplicate: dispatchRules.onDuplicate,
};

export const policyRule: Rule = object(policyRules);

/** The policy of a task where no option says otherwise. */
export const defaultPolicy: TaskPolicy = Object.freeze({
  priority: "normal",
  timeout: 0,
  attempts: 1,
  backoff: Object.freeze({ type: "exponential", delay: 1_000, maxDelay: 3_600_000, jitter: 0.5 }),
  runIf: "always",
  concurrency: Number.POSITIVE_INFINITY,
  engine: true,
});

/** `over` laid on `under`, a field that is undefined left as it was; frozen. */
export function mergePolicy(under: TaskPolicy, over: PolicyOptions | undefined): TaskPolicy {
  return over === undefined ? under : Object.freeze(overlay(under, over));
}

/**
 * The dispatch of one call.
 *
 * @param where the call as it stands in messages
 * @throws OffloadError AR_INVALID_OPTIONS
 */
export function resolveDispatch(where: string, policy: TaskPolicy, options: DispatchOptions | undefined): Dispatch {
  if (options === undefined) return policy;
  checkOptions(where, options, dispatchRules);
  return overlay(policy, options, callOnly);
}

/**
 * Checks the options of `task.offload()` before they are those of a dispatch.
 *
 * @throws OffloadError AR_INVALID_OPTIONS, also for an option that means nothing in a thread
 */
export function checkFollowUp(taskName: string, options: FollowUpOptions | undefined): void {
  if (options !== undefined) checkOptions(`options of task.offload(${describe(taskName)})`, options, followUpRules);
}

/**
 * The same for one call of `runAfterResponse`.
 *
 * @throws OffloadError AR_INVALID_OPTIONS, also for an option that means nothing to a callback
 */
export function resolveCallback(policy: TaskPolicy, options: CallbackOptions | undefined): Dispatch {
  if (options === undefined) return policy;
  checkOptions("options of runAfterResponse", options, callbackRules);
  return overlay(policy, options, callOnly);
}

/**
 * What a store keeps of the options of a call, for the process that runs the task if this one cannot.
 *
 * @returns a copy, because the caller may change its options; undefined if there is nothing to keep
 */
export function lastingOptions(options: DispatchOptions | undefined): LastingOptions | undefined {
  if (options === undefined) return undefined;
  const lasting = plainCopy(options, processOnly);
  return Object.keys(lasting).length > 0 ? (lasting as LastingOptions) : undefined;
}

function plainCopy(value: object, without: object = {}): object {
  const fields = Object.entries(value)
    .filter(([name, field]) => field !== undefined && typeof field !== "function" && !Object.hasOwn(without, name))
    .map(([name, field]) => [name, typeof field === "object" && field !== null ? plainCopy(field) : field]);
  return Array.isArray(value) ? fields.map(([, field]) => field) : Object.fromEntries(fields);
}

/** `over` laid on `under`; what is undefined in `over` counts as left out. */
function overlay<Base extends object>(under: Base, over: object, without: object = {}): Base {
  const given = Object.entries(over).filter(([name, value]) => value !== undefined && !Object.hasOwn(without, name));
  return { ...under, ...Object.fromEntries(given) };
}
