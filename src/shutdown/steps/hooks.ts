// The user's own closing work. The hooks run one after the other, the last registered first; none can stop the rest.
import type { Logger } from "../../base/logger.js";
import { now } from "../../base/time.js";
import type { Deadline } from "./deadline.js";

/** Closes something when the tasks are done: a database pool, a telemetry exporter. */
export type ShutdownHook = (shutdown: { readonly reason: string }) => unknown;

/** A hook with a name for the log, and a time of its own. */
export interface NamedHook {
  /** For the log and the report. */
  readonly name: string;
  /** What is to be done. */
  readonly run: ShutdownHook;
  /** How long it may take, in ms. Default 5,000; less when the deadline is near. */
  readonly timeout?: number | undefined;
}

const defaultTimeout = 5_000;

/** A hook with its name and its time filled in. */
export function namedHook(hook: ShutdownHook | NamedHook, index: number): Required<NamedHook> {
  if (typeof hook !== "function") return { name: hook.name, run: hook.run, timeout: hook.timeout ?? defaultTimeout };
  return { name: hook.name || `hook ${index + 1}`, run: hook, timeout: defaultTimeout };
}

/**
 * Runs the hooks in reverse order, because what was opened last is closed first.
 *
 * @returns the names of those that threw, rejected or took too long
 */
export async function runHooks(
  hooks: readonly Required<NamedHook>[],
  { reason, deadline, logger }: { reason: string; deadline: Deadline; logger: Logger },
): Promise<string[]> {
  const failed: string[] = [];
  for (const [index, hook] of [...hooks].reverse().entries()) {
    // A hook that hangs leaves the others their share.
    const share = Math.max(0, deadline.left("end")) / (hooks.length - index);
    const timeout = Math.min(hook.timeout, share);
    const problem = await runHook(hook, reason, timeout, deadline);
    if (problem === undefined) continue;
    failed.push(hook.name);
    const err = problem instanceof Error ? problem : new Error(String(problem));
    logger.error({ hook: hook.name, err }, `shutdown: the hook ${hook.name} failed, going on without it`);
  }
  return failed;
}

/** Returns what went wrong; undefined if nothing did. */
async function runHook(hook: NamedHook, reason: string, timeout: number, deadline: Deadline): Promise<unknown> {
  const startedAt = now();
  try {
    const work = Promise.resolve(hook.run({ reason }));
    if (await deadline.within(work, "end", startedAt + timeout)) return undefined;
    return new Error(`it had not ended after ${Math.round(now() - startedAt)} ms`);
  } catch (error) {
    return error ?? new Error(`it threw ${error}`);
  }
}
