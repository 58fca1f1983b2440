// What a long queue costs: memory for each waiting task, and the time of the next dispatch.
import { atMost, type Benchmark, type Sizes, sizeOf } from "../harness/benchmark.js";
import { metricTable } from "../harness/format.js";
import { Program } from "../harness/program.js";
import { Samples } from "../harness/samples.js";
import type { DepthReading, DispatchOrder, DispatchReading, HolderName } from "../programs/depth.js";

const ours = "offload-after-response";
const floor = "array of records";
const holders: readonly HolderName[] = [ours, "Piscina", "array of payloads", floor];
/** Those whose calls are timed. */
const timed: readonly HolderName[] = [ours, floor];
const heap = "heap bytes a waiting task";
const rss = "resident bytes a waiting task";
const dispatch = "us a dispatch";
const mean = "us a dispatch, mean with collections";
const slower = "a dispatch over that with 1,000 waiting";
const million = 1_000_000;

const sizes: Sizes<{ rounds: number; depths: readonly number[] }> = {
  short: { rounds: 2, depths: [1_000, million] },
  full: { rounds: 7, depths: [1_000, 10_000, 100_000, million] },
};

export const depthBenchmark: Benchmark = {
  name: "depth",
  title: "A million tasks that wait",
  how: [
    "The only thread waits at a gate while tiny tasks are dispatched, fire and forget. Each reading has a process of its own.",
    "Heap and resident memory are read after collections, less what they were with 1,000 waiting. An array of the same payloads shows what the payload itself takes. An array of records shows what any queue takes that keeps as many bytes for each waiting task as ours.",
    "The time of a dispatch is the median of 40 chunks of 1,000 calls each, with so many tasks waiting. One process measures each depth in turn.",
  ].join(" "),
  async run(scale, say) {
    const { rounds, depths } = sizeOf(sizes, scale);
    const samples = new Samples();
    for (let round = 0; round < rounds; round++) {
      say(`round ${round + 1} of ${rounds}`);
      // The heap of a task is the same to the byte in every process.
      for (const holder of round === 0 || scale === "full" ? holders : []) {
        const reading = await once<DepthReading>("memory", { holder, count: million });
        samples.add(heap, holder, million, reading.heapBytes);
        samples.add(rss, holder, million, reading.rssBytes);
      }
      for (const holder of timed) {
        const order: DispatchOrder = { holder, depths, chunks: 40, chunk: 1_000 };
        const readings = await once<DispatchReading[]>("dispatch", order);
        const few = readings[0]?.medianUs ?? Number.NaN;
        for (const [index, waiting] of depths.entries()) {
          samples.add(dispatch, holder, waiting, readings[index]?.medianUs);
          samples.add(mean, holder, waiting, readings[index]?.meanUs);
          if (index > 0) samples.add(slower, holder, waiting, (readings[index]?.medianUs ?? Number.NaN) / few);
        }
      }
    }
    return {
      samples,
      tables: [
        metricTable(samples, heap, "Heap, bytes a task"),
        metricTable(samples, rss, "Resident memory, bytes a task"),
        metricTable(samples, dispatch, "A dispatch with so many waiting, us, median"),
        metricTable(samples, slower, "A dispatch with so many waiting over one with 1,000, by medians"),
        metricTable(samples, mean, "A dispatch with so many waiting, us, mean with collections of garbage"),
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
