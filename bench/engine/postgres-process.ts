// What the outbox in front of PostgreSQL costs a web process, beside plain `boss.send` of pg-boss.
import { once } from "node:events";
import path from "node:path";
import { atMost } from "../harness/benchmark.js";
import { hasPostgres, startPostgres } from "../harness/postgres.js";
import type { Samples } from "../harness/samples.js";
import { inTurn, type Part } from "./part.js";
import { ask, endProcess, startProcess } from "./processes.js";

type Kind = "none" | "raw" | "plainPostgres" | "oursPostgres";

const loads = [
  { atOnce: 10, tasks: 6_000, untilSettled: true },
  { atOnce: 100, tasks: 10_000, untilSettled: true },
] as const;

export async function postgresProcess(folder: string): Promise<Part | undefined> {
  if (!hasPostgres()) {
    console.warn("SKIPPED: PostgreSQL is not installed");
    return undefined;
  }
  const postgres = await startPostgres(path.join(folder, "postgres"));
  let queues = 0;

  async function cpuOf(kind: Kind, load: object): Promise<number> {
    const queue = `postgres-${queues++}`;
    const web = startProcess("web", { kind, queue, connection: postgres.url, journal: path.join(folder, queue) });
    await once(web, "message");
    await ask(web, "dispatch", { ...load, tasks: 3_000 });
    const { cpuUs } = await ask<{ cpuUs: number }>(web, "dispatch", load);
    await endProcess(web);
    return cpuUs;
  }

  return {
    title: "A web process, with pg-boss",
    how: "Ten or a hundred dispatches in a turn, and a turn a ms, until the database has everything. The CPU of the empty loop is taken off.",
    async measure(round, samples) {
      for (const load of loads) {
        const loopUs = await cpuOf("none", load);
        for (const kind of ["raw", ...inTurn<Kind>(round, "plainPostgres", "oursPostgres")] as const) {
          const cpuUs = (await cpuOf(kind, load)) - loopUs;
          samples.add("cpuUs", kind, load.atOnce, cpuUs);
          console.error(`round ${round + 1}, ${kind}, ${load.atOnce} a turn: ${Math.round(cpuUs)} us of CPU a task`);
        }
      }
    },
    bars: (samples) =>
      loads.flatMap(({ atOnce }) =>
        atMost(
          `main-thread CPU over plain \`boss.send\`, ${atOnce} in a turn (a bare file and thread: ${rawOf(samples, atOnce)})`,
          samples.ratio("cpuUs", "oursPostgres", "plainPostgres", atOnce),
          0.1,
        ),
      ),
    end: () => postgres.kill(),
  };
}

/** What an outbox cannot do without, over plain pg-boss: no bound can be below it. */
function rawOf(samples: Samples, atOnce: number): string {
  return samples.ratio("cpuUs", "raw", "plainPostgres", atOnce)?.median.toFixed(2) ?? "?";
}
