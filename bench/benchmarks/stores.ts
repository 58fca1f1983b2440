// What it costs to have each task outlive its process: the journal beside the stores that one would keep a record in by hand,
// and beside job queues; and what is left after kill -9.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { bullmq, lmdb, nodeSqlite, none, ours, sidequest, stores } from "../contenders/stores/all.js";
import { atLeast, atMost, type Benchmark, measuredIn, type Sizes, sizeOf } from "../harness/benchmark.js";
import { Samples } from "../harness/samples.js";
import { how } from "./stores/how.js";
import { killAll, tasksToKeep } from "./stores/killed.js";
import { measureGroup, type Size } from "./stores/measure.js";
import { addOverNone, bursts, cpu, kept, overNone } from "./stores/metrics.js";
import { takePart } from "./stores/participants.js";
import { figures, type Measured, peersTable, survival } from "./stores/tables.js";

const sizes: Sizes<Size> = {
  short: { rounds: 2, ms: 200, routeRounds: 3 },
  full: { rounds: 15, ms: 500, routeRounds: 5 },
};

/** Those that need no installation of their own. */
const inQuick = [none, ours, lmdb, nodeSqlite, bullmq];

export const storesBenchmark: Benchmark = {
  name: "stores",
  title: "The journal beside lmdb, SQLite, BullMQ and sidequest",
  how,
  async run(scale, say) {
    const samples = new Samples();
    const base = mkdtempSync(path.join(tmpdir(), "offload-after-response-stores-"));
    const participants = takePart(measuredIn(scale, Object.keys(stores), inQuick), say);
    const { names } = participants;
    const size = { ...sizeOf(sizes, scale), ...(scale === "quick" && { routeRounds: 1 }) };
    const isApart = (name: string): boolean => name === sidequest;
    for (const group of [names.filter((name) => !isApart(name)), names.filter(isApart)]) {
      await measureGroup(path.join(base, "measured"), group, participants, { samples, say, ...size });
    }
    say("kill -9");
    const killed = await killAll(path.join(base, "killed"), participants);
    for (const [name, { accepted: of, kept: count }] of killed) samples.add(kept, name, of, count);
    rmSync(base, { recursive: true, force: true });
    addOverNone(samples);
    const measured: Measured = { ...participants, samples, killed };
    return {
      samples,
      tables: [figures(measured), survival(measured)],
      quotes: { peers: peersTable(measured) },
      bars: [
        ...atMost(
          "main-thread us a task with the journal over none, bursts of 1,000",
          samples.summary(overNone[cpu], ours, bursts),
          8,
          "us",
        ),
        ...atLeast(
          `tasks of ${tasksToKeep} that the journal has kept after kill -9`,
          samples.summary(kept, ours, tasksToKeep),
          tasksToKeep,
          "tasks",
        ),
      ],
      charts: [],
    };
  },
};
