// What a long queue costs: memory for each waiting task, and the time of the next dispatch.
import { atMost, type Benchmark, type Scale } from "../harness/benchmark.js";
import { metricTable } from "../harness/format.js";
import { Program } from "../harness/program.js";
import { Samples } from "../harness/samples.js";
import type { DepthReading, DispatchReading, HolderName } from "../programs/depth.js";

const ours = "offload-after-response";
const holders: readonly HolderName[] = [ours, "Piscina", "array of payloads"];
const heap = "heap bytes a waiting task";
const rss = "resident bytes a waiting task";
const dispatch = "us a dispatch";
const mean = "us a dispatch, mean with collections";
const slower = "a dispatch over that with 1,000 waiting";
const million = 1_000_000;

const sizes: Record<Scale, { rounds: number; depths: readonly number[] }> = {
  short: { rounds: 2, depths: [1_000, million] },
  full: { rounds: 7, depths: [1_000, 10_000, 100_000, million] },
};

export const depthBenchmark: Benchmark = {
  name: "depth",
  title: "A million tasks that wait",
  how: [
    "The only thread is held at a gate while tiny tasks are dispatched, fire and forget; each reading in a process of its own.",
    "Heap and resident memory after collections, less those with 1,000 waiting. An array of the same payloads shows what the payload itself takes.",
    "The time of a dispatch is the median of 20 chunks of 1,000 calls each, with so many tasks waiting.",
  ].join(" "),
  async run(scale, say) {
    const { rounds, depths } = sizes[scale];
    const samples = new Samples();
    for (let round = 0; round < rounds; round++) {
      say(`round ${round + 1} of ${rounds}`);
      for (const holder of holders) {
        const reading = await once<DepthReading>("memory", { holder, count: million });
        samples.add(heap, holder, million, reading.heapBytes);
        samples.add(rss, holder, million, reading.rssBytes);
      }
      for (const waiting of depths) {
        const { medianUs, meanUs } = await once<DispatchReading>("dispatch", { waiting, chunks: 20, chunk: 1_000 });
        samples.add(dispatch, ours, waiting, medianUs);
        samples.add(mean, ours, waiting, meanUs);
      }
    }
    for (const [round, us] of samples.values(dispatch, ours, million).entries()) {
      samples.add(slower, ours, million, us / (samples.values(dispatch, ours, 1_000)[round] ?? Number.NaN));
    }
    return {
      samples,
      tables: [
        metricTable(samples, heap, "Heap, bytes a task"),
        metricTable(samples, rss, "Resident memory, bytes a task"),
        metricTable(samples, dispatch, "A dispatch with so many waiting, us, median"),
        metricTable(samples, mean, "The same, mean with collections of garbage, us"),
      ],
      bars: [
        ...atMost("heap a task, 1,000,000 waiting", samples.summary(heap, ours, million), 400, "B"),
        ...atMost("a dispatch at 1,000,000 waiting over one at 1,000", samples.summary(slower, ours, million), 1.2),
      ],
      charts: [],
    };
  },
};

async function once<Value>(command: string, argument: object): Promise<Value> {
  const program = new Program("depth", { execArgv: ["--expose-gc", "--max-old-space-size=8192"] });
  const value = await program.ask<Value>(command, argument);
  await program.end();
  return value;
}
