// Is it worth it? Real jobs in the ways that a handler has: how long the event loop stands still, and how long all take.
import { atMost, type Benchmark, measuredIn, type Sizes, sizeOf, type Table } from "../harness/benchmark.js";
import { spread } from "../harness/format.js";
import { Program } from "../harness/program.js";
import { Samples } from "../harness/samples.js";
import type { JobOrder, JobReading, Way } from "../programs/jobs.js";

const inHandler: readonly Way[] = ["in the handler", "in the handler, two at a time"];
const onThreads: readonly Way[] = ["one thread", "four on one thread", "two threads"];
const ways: readonly Way[] = [...inHandler, ...onThreads];

/** What each job is, and how many are started at once. */
const jobs: Readonly<Record<JobOrder["job"], { readonly title: string; readonly count: number }>> = {
  photo: { title: "a photo resized by sharp", count: 12 },
  png: { title: "a PNG resized in JavaScript", count: 4 },
  markdown: { title: "120 kB of Markdown as HTML", count: 4 },
  pdf: { title: "a PDF of 20 pages", count: 4 },
  hash: { title: "a bcrypt hash in JavaScript", count: 4 },
  json: { title: "20 MB of JSON read", count: 2 },
  rows: { title: "20,000 rows checked", count: 4 },
};

const inQuick: readonly JobOrder["job"][] = ["photo", "png", "json"];

const stall = "longest standstill of the event loop, ms";
const total = "ms until all are done";
const cpu = "main-thread CPU a job, ms";
const delayP99 = "lateness of the event loop, p99, ms";

const sizes: Sizes<{ readonly rounds: number }> = { short: { rounds: 2 }, full: { rounds: 9 } };
/** The job that has a bar is measured so many times as often. */
const moreRounds = 3;

export const jobsBenchmark: Benchmark = {
  name: "jobs",
  title: "Real jobs: in the handler, with a limit, on threads",
  how: [
    "One process does each job in five ways, one way after the other. It starts all jobs of a row in the same turn of the event loop.",
    "In the handler: the function is called on the main thread. Two at a time: the same behind a semaphore.",
    "One thread, two threads: `run` of an offloader with that many threads. Four on one thread: `pool.concurrentTasksPerThread: 4`, which are as many as libuv has threads.",
    "The time to send the payload to the thread is a part of the figures. sharp uses one core for each photo.",
    "Standstill: by how much a timer of 1 ms was late at the most.",
  ].join(" "),
  async run(scale, say) {
    const { rounds } = sizeOf(sizes, scale);
    const samples = new Samples();
    const measured = measuredIn(scale, Object.keys(jobs) as JobOrder["job"][], inQuick);
    for (const job of measured) {
      say(job);
      await measure(job, job === "photo" && scale !== "quick" ? rounds * moreRounds : rounds, samples);
    }
    const [best, bestInHandler] = [quickest(onThreads, samples), quickest(inHandler, samples)];
    return {
      samples,
      tables: [
        table(samples, measured, stall, "Longest standstill of the event loop, ms"),
        table(samples, measured, total, "ms until all are done"),
        table(samples, measured, cpu, "Main-thread CPU a job, ms"),
      ],
      bars: [
        ...atMost(
          `photos by sharp, until all are done: ${best} over ${bestInHandler}`,
          samples.ratio(total, best, bestInHandler, "photo"),
          1.1,
        ),
        ...atMost(
          `photos by sharp, lateness of the event loop, p99: ${best} over ${bestInHandler}`,
          samples.ratio(delayP99, best, bestInHandler, "photo"),
          1,
        ),
      ],
      charts: [],
    };
  },
};

/** The way of these in which the photos take the least time. */
function quickest(these: readonly Way[], samples: Samples): Way {
  const taken = (way: Way): number => samples.summary(total, way, "photo")?.median ?? Number.POSITIVE_INFINITY;
  return these.reduce((best, way) => (taken(way) < taken(best) ? way : best));
}

async function measure(job: JobOrder["job"], rounds: number, samples: Samples): Promise<void> {
  const program = new Program("jobs");
  const { count } = jobs[job];
  for (let round = 0; round < rounds; round++) {
    for (const way of round % 2 === 0 ? ways : [...ways].reverse()) {
      const reading = await program.ask<JobReading>("measure", { job, way, count });
      const { stallMs, delayP99Ms, elapsedMs, cpuMs, activeMs } = reading;
      samples.add(stall, way, job, stallMs);
      samples.add(delayP99, way, job, delayP99Ms);
      samples.add(total, way, job, elapsedMs);
      samples.add(cpu, way, job, (cpuMs ?? activeMs) / count);
    }
  }
  await program.ask("close");
  await program.end();
}

function table(samples: Samples, measured: readonly JobOrder["job"][], metric: string, title: string): Table {
  return {
    title,
    columns: ["", ...ways],
    rows: measured.map((job) => [
      `${jobs[job].title}, ${jobs[job].count} times`,
      ...ways.map((way) => spread(samples.summary(metric, way, job))),
    ]),
  };
}
