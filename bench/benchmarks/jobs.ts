// Is it worth it? Real jobs in the ways that a handler has: how long the event loop stands still, how long all take,
// and how long another route waits for a file.
import { atMost, type Benchmark, measuredIn, type Sizes, sizeOf, type Table } from "../harness/benchmark.js";
import { spread } from "../harness/format.js";
import { Program } from "../harness/program.js";
import { Samples } from "../harness/samples.js";
import type { JobOrder, JobReading, Way } from "../programs/jobs.js";

const ways: readonly Way[] = [
  "in the handler",
  "in the handler, two at a time",
  "one thread",
  "three on one thread",
  "two threads",
];

/** The way that the page recommends for photos. It is named before the run: the best of a run would be better than itself by luck. */
const ours: Way = "three on one thread";
/** Without a limit all photos are done soonest, and a file read waits for all of them, so the waits are compared with the limit. */
const unlimited: Way = "in the handler";
const limited: Way = "in the handler, two at a time";

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

/** The job that works in the threads that read files. It has the bars. */
const native: JobOrder["job"] = "photo";
/** So many of it while files are read, because a p99 needs many reads. */
const besideReads = 24;

const inQuick: readonly JobOrder["job"][] = ["photo", "png", "json"];

const stall = "longest standstill of the event loop, ms";
const total = "ms until all are done";
const cpu = "main-thread CPU a job, ms";
const delayP99 = "lateness of the event loop, p99, ms";
const readP99 = "file read, p99, ms";

const sizes: Sizes<{ readonly rounds: number }> = { short: { rounds: 2 }, full: { rounds: 9 } };
/** The job that has the bars is measured so many times as often. */
const moreRounds = 3;

export const jobsBenchmark: Benchmark = {
  name: "jobs",
  title: "Real jobs: in the handler, with a limit, on threads",
  how: [
    "One process does each job in five ways, one way after the other. It starts all jobs of a row in the same turn of the event loop.",
    "In the handler: the function is called on the main thread. Two at a time: the same behind a semaphore.",
    "One thread, two threads: `run` of an offloader with that many threads. Three on one thread: `pool.concurrentTasksPerThread: 3`, one fewer than libuv has threads.",
    "The time to send the payload to the thread is a part of the figures. sharp uses one core for each photo.",
    "Standstill: by how much a timer of 1 ms was late at the most. Lateness: by how much it was late, 99 of 100 times no more.",
    `The file reads have a measurement of their own: beside ${besideReads} photos, a read of a small file by \`fs.promises.readFile\` is due every 5 ms, whatever became of those before. Its time counts from then.`,
  ].join(" "),
  async run(scale, say) {
    const { rounds } = sizeOf(sizes, scale);
    const samples = new Samples();
    const measured = measuredIn(scale, Object.keys(jobs) as JobOrder["job"][], inQuick);
    for (const job of measured) {
      say(job);
      await measure(job, job === native && scale !== "quick" ? rounds * moreRounds : rounds, samples);
    }
    return {
      samples,
      tables: [
        table(samples, measured, stall, "Longest standstill of the event loop, ms"),
        table(samples, measured, total, "ms until all are done"),
        table(samples, [native], readP99, "p99 of a file read beside the photos, ms", besideReads),
        table(samples, measured, delayP99, "Lateness of the event loop, p99, ms"),
        table(samples, measured, cpu, "Main-thread CPU a job, ms"),
      ],
      bars: [
        ...[unlimited, limited].flatMap((rival) =>
          atMost(
            `photos by sharp, until all are done: ${ours} over ${rival}`,
            samples.ratio(total, ours, rival, native),
            1.1,
          ),
        ),
        ...atMost(
          `photos by sharp, p99 of a file read beside them: ${ours} over ${limited}`,
          samples.ratio(readP99, ours, limited, native),
          1,
        ),
      ],
      charts: [],
    };
  },
};

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
      if (job !== native) continue;
      samples.add(readP99, way, job, await program.ask<number>("measureReads", { job, way, count: besideReads }));
    }
  }
  await program.ask("close");
  await program.end();
}

function table(
  samples: Samples,
  measured: readonly JobOrder["job"][],
  metric: string,
  title: string,
  count?: number,
): Table {
  return {
    title,
    columns: ["", ...ways],
    rows: measured.map((job) => [
      `${jobs[job].title}, ${count ?? jobs[job].count} times`,
      ...ways.map((way) => spread(samples.summary(metric, way, job))),
    ]),
  };
}
