// What each way to leave a task costs the smallest route of node:http, Fastify and Express, beside a bare message to a thread.
import { atLeast, atMost, type Bar, type Benchmark, measuredIn, type Sizes, sizeOf } from "../harness/benchmark.js";
import { figure, metricTable } from "../harness/format.js";
import type { MeterReading } from "../harness/meter.js";
import { execArgvInTurns, Program } from "../harness/program.js";
import { Samples } from "../harness/samples.js";
import { quantile } from "../harness/statistics.js";
import type { ClosedOrder } from "../programs/closed-load.js";
import type { LoadOrder, LoadResult } from "../programs/open-load.js";
import type { Framework, RouteOrder, Way } from "../programs/routes.js";

const connections = 32;
const perSecond = 500;
const frameworks: readonly Framework[] = ["node:http", "Fastify", "Express"];
const floor = "none";
const byHand = "a task by hand";
const raw = "a bare Worker, a message a turn";
const ours = "offloadAfterResponse(res)";
const tracking = "tracking only";
/** Every way that is measured, the floors included. */
export const ways: readonly Way[] = [
  floor,
  tracking,
  ours,
  "offloadAfterResponse without res",
  "runAfterResponse",
  "offload",
  byHand,
  raw,
];

/** What the bars compare, and tracking. */
const compared: readonly Way[] = [floor, tracking, ours, byHand, raw];
const comparedAtPace: readonly Way[] = [floor, ours, byHand, raw];

const rate = "requests/s";
const steady = `at ${perSecond}/s`;
const mainUs = "main-thread us a request, CPU";
const processUs = "us a request of the whole process, CPU";
const tail = `${steady}, p99.9 in ms`;
const overNone = "main-thread us a request more than none";
const processOfRaw = `${steady}, CPU of the process over that of the bare message`;

interface Size {
  /** Servers are started anew so many times, because processes with the same program differ. */
  readonly rounds: number;
  /** Measurements of each server. */
  readonly turns: number;
  readonly requests: number;
  readonly warmUp: number;
  /** Requests one after the other before the steady load: at its pace each is alone, which is other code than a turn of many. */
  readonly alone: number;
  /** How long each server gets the steady load before it is measured. */
  readonly steadyWarmUpSeconds: number;
  /** Measurements of each server under the steady load, of {@link sliceSeconds} each. */
  readonly slices: number;
}

/** Short, because the machine changes from second to second, and a ratio is that of neighbours. */
const sliceSeconds = 0.5;

const sizes: Sizes<Size> = {
  short: { rounds: 2, turns: 2, requests: 1_000, warmUp: 6_000, alone: 8_000, steadyWarmUpSeconds: 1, slices: 8 },
  full: { rounds: 6, turns: 5, requests: 6_000, warmUp: 10_000, alone: 20_000, steadyWarmUpSeconds: 2, slices: 20 },
};

export const routesBenchmark: Benchmark = {
  name: "routes",
  title: "The smallest route of node:http, Fastify and Express, by the way in which it leaves a task",
  how: [
    "The route reads nothing and answers at once. The task adds 1 to a number on one thread. The callback of `runAfterResponse` is empty. Each way has a server process of its own.",
    `In each round a client loads one process and then the next. It has ${connections} connections, and each sends its next request when it has an answer. Then another client sends ${perSecond} requests a second to each process, after a warm-up with one request at a time and one at this pace: for ${sliceSeconds} s to one process, then to the next, and so on, because the machine changes from second to second.`,
    '"Tracking only" is an offloader that gets no task. It has to know the response of every request, so that a call without `res` finds it. "A bare Worker" is the floor of work on a thread: it gets one message for all requests of one turn, and nothing is counted, limited, drained, retried or reported. "By hand" is the least that can report every task: a context for each request, a record of each task, both ends of a response. CPU of the process includes that of the thread.',
  ].join(" "),
  async run(scale, say) {
    const samples = new Samples();
    const closed = new Program("closed-load");
    const open = new Program("open-load");
    const size = sizeOf(sizes, scale);
    const measured = measuredIn(scale, ways, compared);
    const atPace = measuredIn(scale, ways, comparedAtPace);
    for (let start = 0; start < size.rounds; start++) {
      for (const framework of frameworks) {
        say(`start ${start + 1} of ${size.rounds}: ${framework}`);
        await measure({ framework, measured, atPace, size, samples, closed, open });
      }
    }
    await closed.end();
    await open.end();
    for (const framework of frameworks) compare(samples, framework);
    return {
      samples,
      tables: [
        metricTable(samples, rate, `Requests/s, ${connections} connections`, floor),
        metricTable(samples, mainUs, `Main-thread us a request, CPU, ${connections} connections`, floor),
        metricTable(samples, processUs, `us a request of the whole process, CPU, ${connections} connections`, floor),
        metricTable(samples, overNone, `Main-thread us a request more than none, ${connections} connections`),
        metricTable(samples, `${steady}, ${mainUs}`, `Main-thread us a request, CPU, ${steady}`, floor),
        metricTable(samples, `${steady}, ${processUs}`, `us a request of the whole process, CPU, ${steady}`, floor),
        metricTable(
          samples,
          tail,
          `p99.9 of the answers in ms, ${steady}; tracking only: requests without work`,
          floor,
        ),
      ],
      bars: bars(samples),
      charts: [],
    };
  },
};

interface Measurement {
  readonly framework: Framework;
  readonly measured: readonly Way[];
  readonly atPace: readonly Way[];
  readonly size: Size;
  readonly samples: Samples;
  readonly closed: Program;
  readonly open: Program;
}

async function measure({ framework, measured, atPace, size, samples, closed, open }: Measurement): Promise<void> {
  const servers = await Promise.all(measured.map((way) => startServer({ framework, way })));
  const load = (port: number, requests: number) =>
    closed.ask<number>("run", { port, connections, requests } satisfies ClosedOrder);
  for (const { port } of servers) await load(port, size.warmUp);
  for (let round = 0; round < size.turns; round++) {
    // Whoever is first is not first in the next round.
    for (const { way, program, port } of round % 2 === 0 ? servers : [...servers].reverse()) {
      await program.ask("startMeter");
      const elapsedMs = await load(port, size.requests);
      const { cpuMs, processMs } = await program.ask<MeterReading>("readMeter");
      samples.add(rate, way, framework, (size.requests * 1_000) / elapsedMs);
      samples.add(mainUs, way, framework, cpuMs && (cpuMs * 1_000) / size.requests);
      samples.add(processUs, way, framework, (processMs * 1_000) / size.requests);
    }
  }
  const steadyLoad = (port: number, seconds: number) =>
    open.ask<LoadResult>("run", { port, perSecond, requests: perSecond * seconds } satisfies LoadOrder);
  const paced = servers
    .filter(({ way }) => atPace.includes(way))
    .map((server) => ({ ...server, answers: [] as number[] }));
  // Another pace is another warm-up: V8 optimises anew, on threads of its own, which count for the process.
  for (const { port } of paced)
    await closed.ask<number>("run", { port, connections: 1, requests: size.alone } satisfies ClosedOrder);
  for (const { port } of paced) await steadyLoad(port, size.steadyWarmUpSeconds);
  const requests = perSecond * sliceSeconds;
  for (let slice = 0; slice < size.slices; slice++) {
    for (const { way, program, port, answers } of slice % 2 === 0 ? paced : [...paced].reverse()) {
      await program.ask("startMeter");
      const { failed, latencies } = await steadyLoad(port, sliceSeconds);
      const { cpuMs, processMs } = await program.ask<MeterReading>("readMeter");
      if (failed > 0) throw new Error(`${failed} of ${requests} requests failed: ${framework}, ${way}`);
      answers.push(...latencies);
      samples.add(`${steady}, ${mainUs}`, way, framework, cpuMs && (cpuMs * 1_000) / requests);
      samples.add(`${steady}, ${processUs}`, way, framework, (processMs * 1_000) / requests);
    }
  }
  for (const { way, answers } of paced) samples.add(tail, way, framework, quantile(answers, 0.999));
  for (const { program } of servers) await program.end();
}

async function startServer(order: RouteOrder): Promise<{ way: Way; program: Program; port: number }> {
  const program = new Program("routes", { execArgv: execArgvInTurns });
  return { way: order.way, program, port: await program.ask<number>("open", order) };
}

/** Differences and ratios are taken within each round, because what disturbs a round disturbs all of them. */
function compare(samples: Samples, framework: Framework): void {
  const none = samples.values(mainUs, floor, framework);
  for (const way of ways) {
    for (const [round, us] of samples.values(mainUs, way, framework).entries()) {
      if (way !== floor) samples.add(overNone, way, framework, us - (none[round] ?? Number.NaN));
    }
  }
  const bareSteady = samples.values(`${steady}, ${processUs}`, raw, framework);
  for (const way of [ours, byHand]) {
    for (const [round, us] of samples.values(`${steady}, ${processUs}`, way, framework).entries()) {
      samples.add(processOfRaw, way, framework, us / (bareSteady[round] ?? Number.NaN));
    }
  }
}

function bars(samples: Samples): readonly Bar[] {
  // The us of the main thread are lost in noise here: bench/route-cost.mjs has the bars for them.
  return [
    ...atLeast(
      "requests/s over the route without: an empty route of Express",
      samples.ratio(rate, ours, floor, "Express"),
      0.95,
    ),
    ...frameworks.flatMap((framework) =>
      atMost(
        `${processOfRaw}, ${framework} (by hand: ${figure(samples.summary(processOfRaw, byHand, framework)?.median ?? Number.NaN)})`,
        samples.summary(processOfRaw, ours, framework),
        1.3,
      ),
    ),
  ];
}
