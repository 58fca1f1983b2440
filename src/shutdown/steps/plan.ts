// Where the time of a shutdown goes: pure arithmetic in ms.

/** The points in time before the end of a shutdown. What is not done by then is given up, and the next step begins. */
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

/** From this timeout on, in ms, the budgets are full; under it they shrink in proportion. */
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

/**
 * How long it takes to abandon tasks, in ms: 2 to 5 us of the main thread for each, measured with a journal. A busy machine needs twice as
 * long.
 */
export function abandonTime(tasks: number): number {
  return tasks * 0.01;
}

/** The times that a shutdown is given, in ms. */
export interface Plan {
  readonly timeout: number;
  readonly drainDelay: number;
}

/**
 * The default of the time to go on serving while load balancers notice. In Kubernetes it is 5 s, because an endpoint is
 * taken out of every kube-proxy and ingress only after the signal; less when the timeout is short. It is 0 elsewhere, and
 * when there is no server.
 */
export function defaultDrainDelay(timeout: number, inKubernetes: boolean, hasServer: boolean): number {
  return inKubernetes && hasServer ? Math.min(fullDrainDelay, timeout / 5) : 0;
}

/** How long open requests have after the drain delay, in ms; negative when the delay takes all of their time. */
export function requestTime({ timeout, drainDelay }: Plan): number {
  return timeout - drainDelay - timeBefore("requests", abortBudget(timeout));
}
