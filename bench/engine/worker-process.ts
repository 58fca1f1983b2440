// What a worker process makes of tasks that wait in BullMQ, beside BullMQ's own worker with sandboxed threads.
import { once } from "node:events";
import path from "node:path";
import { atLeast, atMost } from "../harness/benchmark.js";
import { iterationsFor } from "../harness/calibrate.js";
import { hasRedis, startRedis } from "../harness/redis.js";
import { inTurn, type Part } from "./part.js";
import { answerOf, ask, endProcess, startProcess } from "./processes.js";

interface Reading {
  readonly perSecond: number;
  readonly cpuUs: number;
}
type Kind = "plain" | "ours";

interface Load {
  readonly label: string;
  /** CPU that a task takes, in ms. */
  readonly ms: number;
  readonly warmUp: number;
  readonly tasks: number;
  /** What ours must reach of BullMQ's tasks a second. */
  readonly atLeast: number;
}

const threads = 2;
const tiny: Load = { label: "tiny", ms: 0, warmUp: 5_000, tasks: 16_000, atLeast: 1.4 };
const loads: readonly Load[] = [
  tiny,
  { label: "2 ms", ms: 2, warmUp: 400, tasks: 1_500, atLeast: 0.9 },
  { label: "20 ms", ms: 20, warmUp: 40, tasks: 200, atLeast: 0.9 },
];

export async function workerProcess(folder: string): Promise<Part | undefined> {
  if (!hasRedis()) {
    console.warn("SKIPPED: redis-server is not installed");
    return undefined;
  }
  const redis = await startRedis();
  const connection = `redis://127.0.0.1:${redis.port}`;
  // Once, because both must have the same to do.
  const iterations = new Map(loads.map(({ ms }) => [ms, ms === 0 ? 0 : iterationsFor(ms)]));
  let queues = 0;

  async function readingOf(kind: Kind, { ms, warmUp, tasks }: Load): Promise<Reading> {
    const queue = `worker-${queues++}`;
    const web = startProcess("web", { kind, queue, connection, journal: path.join(folder, queue) });
    await once(web, "message");
    // More than are counted, so that the last of them are fetched from a queue like the first.
    const filling = { tasks: warmUp + tasks + 50 };
    const work = { name: "work", payload: { iterations: iterations.get(ms) } };
    await ask(web, "fill", ms === 0 ? filling : { ...filling, ...work });
    await ask(web, "settled");
    await endProcess(web);
    const worker = startProcess("worker", { kind, connection, queue, threads, warmUp, tasks });
    const reading = await answerOf<Reading>(worker);
    await endProcess(worker);
    return reading;
  }

  return {
    title: "A worker process, with BullMQ",
    how:
      `${threads} threads on either side, with a queue that is full: BullMQ's \`Worker\` with a processor file and \`useWorkerThreads\`, and a process ` +
      'with `role: "work"`. Tiny tasks do nothing, the others take the CPU for 2 and 20 ms.',
    async measure(round, samples) {
      for (const load of loads) {
        for (const kind of inTurn<Kind>(round, "plain", "ours")) {
          const { perSecond, cpuUs } = await readingOf(kind, load);
          samples.add("worker tasks/s", kind, load.label, perSecond);
          samples.add("worker cpuUs", kind, load.label, cpuUs);
          const figures = `${Math.round(perSecond)} tasks/s, ${Math.round(cpuUs)} us of CPU a task`;
          console.error(`round ${round + 1}, ${kind}, ${load.label}: ${figures}`);
        }
      }
    },
    bars: (samples) => [
      ...atMost(
        "CPU of a worker process for a tiny task, over sandboxed threads",
        samples.ratio("worker cpuUs", "ours", "plain", tiny.label),
        0.65,
      ),
      ...loads.flatMap(({ label, atLeast: bound }) =>
        atLeast(
          `tasks/s over sandboxed threads, ${label === tiny.label ? "tiny tasks" : `tasks of ${label}`}`,
          samples.ratio("worker tasks/s", "ours", "plain", label),
          bound,
        ),
      ),
    ],
    end: () => redis.kill(),
  };
}
