// What the outbox in front of PostgreSQL costs a web process, beside plain `boss.send` of pg-boss.
import { once } from "node:events";
import path from "node:path";
import { atMost } from "../harness/benchmark.js";
import { hasPostgres, startPostgres } from "../harness/postgres.js";
import { inTurn, type Part } from "./part.js";
import { ask, endProcess, startProcess } from "./processes.js";

type Kind = "none" | "plainPostgres" | "oursPostgres";

/** One a ms is what pg-boss can insert one by one. */
const load = { tasks: 3_000, atOnce: 1, untilSettled: true };

export async function postgresProcess(folder: string): Promise<Part | undefined> {
  if (!hasPostgres()) {
    console.warn("SKIPPED: PostgreSQL is not installed");
    return undefined;
  }
  const postgres = await startPostgres(path.join(folder, "postgres"));
  let queues = 0;

  async function cpuOf(kind: Kind): Promise<number> {
    const queue = `postgres-${queues++}`;
    const web = startProcess("web", { kind, queue, connection: postgres.url, journal: path.join(folder, queue) });
    await once(web, "message");
    await ask(web, "dispatch", { ...load, tasks: 1_500 });
    const { cpuUs } = await ask<{ cpuUs: number }>(web, "dispatch", load);
    await endProcess(web);
    return cpuUs;
  }

  return {
    title: "A web process, with pg-boss",
    how: "A dispatch a ms, until the database has everything. The CPU of the empty loop is taken off.",
    async measure(round, samples) {
      const loopUs = await cpuOf("none");
      for (const kind of inTurn<Kind>(round, "plainPostgres", "oursPostgres")) {
        const cpuUs = (await cpuOf(kind)) - loopUs;
        samples.add("cpuUs", kind, "postgres", cpuUs);
        console.error(`round ${round + 1}, ${kind}: ${Math.round(cpuUs)} us of CPU a task`);
      }
    },
    bars: (samples) =>
      atMost(
        "main-thread CPU of a web process over plain `boss.send`",
        samples.ratio("cpuUs", "oursPostgres", "plainPostgres", "postgres"),
        0.1,
      ),
    end: () => postgres.kill(),
  };
}
