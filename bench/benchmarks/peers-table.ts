// The table of the README: what other ways of running work later give, and what becomes of the work if the process is killed.
import { promises } from "../contenders/stores/all.js";
import type { Table } from "../harness/benchmark.js";
import { figure } from "../harness/format.js";
import type { Samples } from "../harness/samples.js";

interface Peers {
  readonly samples: Samples;
  readonly names: readonly string[];
  /** Who did not run, and why. */
  readonly missing: ReadonlyMap<string, string>;
  /** The metrics, and the settings at which they are read. */
  readonly accepted: string;
  readonly ended: string;
  readonly accept: string;
  readonly bursts: string;
  readonly one: string;
}

export function peersTable({ samples, names, missing, accepted, ended, accept, bursts, one }: Peers): Table {
  const median = (metric: string, name: string, at: string) =>
    figure(samples.summary(metric, name, at)?.median ?? Number.NaN);
  return {
    title: "Tiny tasks, medians; and an accepted task whose process is killed with `kill -9`",
    columns: ["", "accepted/s", "ended/s", "us until one is accepted", "killed"],
    rows: [
      ...names.map((name) => [
        name,
        median(accepted, name, bursts),
        median(ended, name, bursts),
        median(accept, name, one),
        promises[name]?.processKilled ?? "",
      ]),
      ...[...missing].map(([name, why]) => [name, "-", "-", "-", `not run: ${why}`]),
    ],
  };
}
