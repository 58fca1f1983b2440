// The user's own closing work: run one after the other, the last registered first, none able to stop the rest.
import type { Logger } from "../../base/logger.js";
import type { Deadline } from "./deadline.js";

/** Closes something when the tasks are done: a database pool, a telemetry exporter. */
export type ShutdownHook = (shutdown: { readonly reason: string }) => unknown;

/** A hook with a name for the log, and a time of its own. */
export interface NamedHook {
  readonly name: string;
  readonly run: ShutdownHook;
  /** How long it may take, in ms. Default 5,000; less when the deadline is near. */
  readonly timeout?: number | undefined;
}

const defaultTimeout = 5_000;

/** A hook as it was given, with a name and a time. */
export function namedHook(hook: ShutdownHook | NamedHook, index: number): Required<NamedHook> {
  if (typeof hook !== "function") return { name: hook.name, run: hook.run, timeout: hook.timeout ?? defaultTimeout };
  return { name: hook.name || `hook ${index + 1}`, run: hook, timeout: defaultTimeout };
}

/**
 * Runs the hooks in reverse order, as what was opened last is closed first.
 *
 * @returns the names of those that threw, rejected or took too long
 */
export async function runHooks(
  hooks: readonly Required<NamedHook>[],
  { reason, deadline, logger }: { reason: string; deadline: Deadline; logger: Logger },
): Promise<string[]> {
  const failed: string[] = [];
  for (const [index, hook] of [...hooks].reverse().entries()) {
    // A hung hook leaves the others their share.
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

/** What went wrong; undefined if nothing did. */
async function runHook(hook: NamedHook, reason: string, timeout: number, deadline: Deadline): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Error>((resolve) => {
    timer = setTimeout(() => resolve(new Error(`it took longer than ${Math.round(timeout)} ms`)), timeout);
  });
  try {
    // The deadline as well, for a second signal brings it forward.
    const ended = Promise.race([Promise.resolve(hook.run({ reason })).then(() => undefined), late]);
    return (await deadline.within(ended, "end")) ? await ended : new Error("it was running at the deadline");
  } catch (error) {
    return error ?? new Error(`it threw ${error}`);
  } finally {
    clearTimeout(timer);
  }
}
