// How long a thread may take to end once it is terminated, and the wait for that.
import { afterFairTime, doneBefore } from "../base/time.js";

/**
 * ms within which a thread that is being terminated ends. One that runs JavaScript ends within a few ms; one in native code,
 * such as `pbkdf2Sync` or `execFileSync`, ends when that returns.
 */
export const endsWithinMs = 100;

/**
 * @param ends resolves when threads that have been terminated are gone
 * @returns whether they are gone in time; what is left is in native code
 */
export function endsInTime(ends: Promise<unknown>): Promise<boolean> {
  return doneBefore(ends, (expire) => afterFairTime(endsWithinMs, expire));
}
