// The tables of the store benchmark, and the one of the README: what each way gives and costs, and what becomes of an accepted task.
import { promises, sidequest } from "../../contenders/stores/all.js";
import type { Table } from "../../harness/benchmark.js";
import { environment } from "../../harness/environment.js";
import { spread } from "../../harness/format.js";
import type { Samples } from "../../harness/samples.js";
import type { Kept } from "./killed.js";
import { accept, accepted, burst, bursts, cpu, ended, one, overNone, p99, sidequestBurst } from "./metrics.js";
import type { Participants } from "./participants.js";
import { perSecond } from "./route.js";

export interface Measured extends Participants {
  readonly samples: Samples;
  readonly killed: ReadonlyMap<string, Kept>;
}

const routeAt = perSecond;

export function figures({ samples, names, missing }: Measured): Table {
  return {
    title: "What it gives and costs",
    columns: [
      "",
      "accepted/s, bursts",
      "ended/s, bursts",
      "us until one is accepted",
      p99,
      "main-thread CPU us a task over none, bursts",
      "the same, one at a time",
    ],
    rows: [
      ...names.map((name) => [
        name,
        spread(samples.summary(accepted, name, bursts)),
        spread(samples.summary(ended, name, bursts)),
        spread(samples.summary(accept, name, one)),
        spread(samples.summary(p99, name, routeAt)),
        spread(samples.summary(overNone[cpu], name, bursts)),
        spread(samples.summary(overNone[cpu], name, one)),
      ]),
      ...[...missing].map(([name, why]) => [name, `not run: ${why}`, "-", "-", "-", "-", "-"]),
    ],
  };
}

export function survival({ names, killed }: Measured): Table {
  return {
    title: "What becomes of an accepted task, and what there is to install",
    columns: ["", "the process is killed", "the power is cut", "to install"],
    rows: names.map((name) => {
      const { powerCut = "", toInstall = "" } = promises[name] ?? {};
      return [name, afterKill(name, killed), powerCut, toInstall];
    }),
  };
}

/** The README's. */
export function peersTable({ samples, names, killed }: Measured): Table {
  const { date, node, cores } = environment();
  const median = (metric: string, name: string, at: string | number) =>
    rough(samples.summary(metric, name, at)?.median ?? Number.NaN);
  return {
    title: `Tiny tasks, medians (${date}, Node.js ${node}, ${cores} cores)`,
    columns: [
      `bursts of ${burst.toLocaleString("en-US")}`,
      "accepted/s",
      "ended/s",
      "us until one is accepted",
      `p99 of a route, ms, ${perSecond} requests/s`,
      "the process is killed with `kill -9`",
    ],
    rows: [
      ...names.map((name) => [
        // Its requests wait in a line that grows, because it ends fewer tasks a second than the route accepts.
        name === sidequest ? `${name}, bursts of ${sidequestBurst}, on Node.js 22; slower than the route` : name,
        median(accepted, name, bursts),
        median(ended, name, bursts),
        median(accept, name, one),
        median(p99, name, routeAt),
        afterKill(name, killed),
      ]),
    ],
  };
}

/** Two digits: the third is noise. */
function rough(value: number): string {
  if (!Number.isFinite(value)) return "-";
  return Number(value.toPrecision(2)).toLocaleString("en-US", { maximumSignificantDigits: 2 });
}

function afterKill(name: string, killed: ReadonlyMap<string, Kept>): string {
  const { accepted = 0, kept = 0, run } = killed.get(name) ?? {};
  const { runBy, note } = promises[name] ?? {};
  const parts = [
    `${kept} of ${accepted} kept`,
    run === undefined || runBy === undefined ? undefined : `${run} run by ${runBy}`,
    note,
  ];
  return parts.filter((part) => part !== undefined).join("; ");
}
