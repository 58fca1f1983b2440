// What the store benchmark measures, by the names under which it stands in the results.
import { none } from "../../contenders/stores/all.js";
import type { Samples } from "../../harness/samples.js";

/** The settings: how many tasks are accepted in one turn. sidequest's bursts are smaller. */
export const one = "one at a time";
export const bursts = "bursts";
export const burst = 1_000;
export const sidequestBurst = 20;

export const accepted = "tasks accepted a second";
export const accept = "us until accepted";
export const ended = "tasks a second, from the call to gone from the store";
export const cpu = "main-thread us a task, CPU";
export const active = "main-thread us a task, loop active";
export const overNone = { [cpu]: `${cpu}, over none`, [active]: `${active}, over none` } as const;
export const p99 = "p99 of a route, ms";
export const kept = "tasks kept after kill -9";

/** Less what the same offloader takes without any store in the same round. */
export function addOverNone(samples: Samples): void {
  for (const [metric, over] of Object.entries(overNone)) {
    for (const name of samples.contenders(metric).filter((contender) => contender !== none)) {
      for (const at of samples.settings(metric)) {
        const without = samples.values(metric, none, at);
        for (const [round, us] of samples.values(metric, name, at).entries()) {
          samples.add(over, name, at, us - (without[round] ?? Number.NaN));
        }
      }
    }
  }
}
