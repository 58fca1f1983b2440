// What the outbox in front of PostgreSQL costs a web process, beside plain `boss.send` of pg-boss.
import { once } from "node:events";
import path from "node:path";
import { atMost } from "../harness/benchmark.js";
import { hasPostgres, startPostgres } from "../harness/postgres.js";
import type { Samples } from "../harness/samples.js";
import { inTurn, type Part } from "./part.js";
import { ask, endProcess, startProcess } from "./processes.js";

type Kind = "none" | "raw" | "byHand" | "plainPostgres" | "oursPostgres";

const loads = [
  { atOnce: 10, tasks: 10_000, untilSettled: true },
  { atOnce: 100, tasks: 20_000, untilSettled: true },
] as const;
/** With fewer, V8 still compiles during the measurement. */
const warmUp = 20_000;

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
    await ask(web, "dispatch", { ...load, tasks: warmUp });
    const { cpuUs } = await ask<{ cpuUs: number }>(web, "dispatch", load);
    await endProcess(web);
    return cpuUs;
  }

  return {
    title: "A web process, with pg-boss",
    how:
      "Ten or a hundred dispatches in a turn, and a turn a ms, after a warm-up, until the database has everything. The CPU of the empty " +
      "loop is taken off. By hand: what goes into the file and to the thread is also counted, checked, and written down when it has been " +
      "forwarded; there is no limit, priority, key, timeout, event or drain.",
    async measure(round, samples) {
      for (const load of loads) {
        const loopUs = await cpuOf("none", load);
        for (const kind of ["raw", "byHand", ...inTurn<Kind>(round, "plainPostgres", "oursPostgres")] as const) {
          const cpuUs = (await cpuOf(kind, load)) - loopUs;
          samples.add("cpuUs", kind, load.atOnce, cpuUs);
          console.error(`round ${round + 1}, ${kind}, ${load.atOnce} a turn: ${Math.round(cpuUs)} us of CPU a task`);
        }
      }
    },
    bars: (samples) =>
      loads.flatMap(({ atOnce }) =>
        atMost(
          `main-thread CPU over plain \`boss.send\`, ${atOnce} in a turn (${floors(samples, atOnce)})`,
          samples.ratio("cpuUs", "oursPostgres", "plainPostgres", atOnce),
          0.1,
        ),
      ),
    end: () => postgres.kill(),
  };
}

/** What an outbox cannot do without, over plain pg-boss, and what one that counts its tasks costs at the least. */
function floors(samples: Samples, atOnce: number): string {
  const of = (kind: Kind) => samples.ratio("cpuUs", kind, "plainPostgres", atOnce)?.median.toFixed(2) ?? "?";
  return `a bare file and thread: ${of("raw")}, by hand: ${of("byHand")}`;
}
