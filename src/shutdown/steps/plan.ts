// Where the time of a shutdown goes, and whether it is enough. Pure: ms in, ms and sentences out.
import type { Platform } from "../process/platform.js";

/** The points of a shutdown before its end. What is not done by then is given up, and the next thing begins. */
export type Moment = "requests" | "abort" | "abandon" | "report" | "threads" | "end";

/**
 * How long before the deadline each moment is, in parts of the abort budget. With the full budget of 3 s: open requests
 * are cut off at 5 s before the deadline, tasks are aborted at 3 s, abandoned at 1.8 s, `onAbandoned` is given up at 1.2 s,
 * threads are terminated at 0.6 s, hooks are given up at 0.06 s.
 */
const partsBefore: Readonly<Record<Moment, number>> = {
  requests: 5 / 3,
  abort: 1,
  abandon: 0.6,
  report: 0.4,
  threads: 0.2,
  end: 0.02,
};

/** From this timeout on the budgets are full; under it they shrink in proportion, in ms. */
const fullTimeout = 15_000;
const fullAbortBudget = 3_000;
const fullDrainDelay = 5_000;

/** How long before the deadline tasks are aborted, in ms. */
export function abortBudget(timeout: number): number {
  return fullAbortBudget * Math.min(1, timeout / fullTimeout);
}

/** How long before the deadline a moment is, in ms. */
export function timeBefore(moment: Moment, budget: number): number {
  return partsBefore[moment] * budget;
}

/** What a shutdown is given, in ms. */
export interface Plan {
  readonly timeout: number;
  readonly drainDelay: number;
}

/**
 * How long to go on serving while load balancers notice, unless told otherwise: 5 s in Kubernetes, where an endpoint is
 * taken out of every kube-proxy and ingress only after the signal; less when the timeout is short; 0 elsewhere and when
 * there is no server.
 */
export function defaultDrainDelay(timeout: number, inKubernetes: boolean, hasServer: boolean): number {
  return inKubernetes && hasServer ? Math.min(fullDrainDelay, timeout / 5) : 0;
}

/** How long open requests have after the drain delay, in ms; below 0 when the delay takes more than there is. */
export function requestTime({ timeout, drainDelay }: Plan): number {
  return timeout - drainDelay - timeBefore("requests", abortBudget(timeout));
}

/**
 * What a reader of the log should know about a plan when the server starts, a sentence each.
 *
 * @param platform what runs the process, where it is known
 * @param grace what the user says that it waits before it kills, in ms
 */
export function planWarnings(
  plan: Plan,
  platform: Platform | undefined,
  grace: number | undefined = platform?.grace,
): string[] {
  const { timeout, drainDelay } = plan;
  const warnings: string[] = [];
  const left = Math.round(requestTime(plan));
  if (left <= 0) {
    warnings.push(
      `drainDelay (${drainDelay} ms) takes all of the timeout (${timeout} ms) that requests have: it is cut to ` +
        `${drainDelay + left} ms, and what is open then is cut off. Lower drainDelay or raise timeout`,
    );
  } else if (drainDelay > timeout / 2) {
    warnings.push(
      `drainDelay (${drainDelay} ms) leaves open requests ${left} ms of the timeout (${timeout} ms). ` +
        "Lower drainDelay or raise timeout",
    );
  }
  if (grace !== undefined && timeout >= grace) {
    const setting = grace === platform?.grace ? ` (${platform?.setting})` : "";
    warnings.push(
      `a shutdown may take ${timeout} ms, but ${platform?.name ?? "the platform"} kills the process ${grace} ms after its ` +
        `signal${setting}: what is unfinished then is lost without a report. Lower timeout, or raise the platform's time ` +
        "and say so in platformGrace",
    );
  }
  return warnings;
}
