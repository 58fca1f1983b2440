// Whether the time of a shutdown is enough: warnings for the log when the program starts, before it is too late.
import { type Plan, requestTime } from "../steps/plan.js";
import type { Platform } from "./platform.js";

/**
 * What does not fit in a plan, a sentence each.
 *
 * @param platform what runs the process, where it is known
 * @param grace how long it waits before it kills, in ms
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
