// Every benchmark, in the order of a run.
import type { Benchmark } from "../harness/benchmark.js";
import { callbacksBenchmark } from "./callbacks.js";
import { depthBenchmark } from "./depth.js";
import { drainBenchmark } from "./drain.js";
import { endsBenchmark } from "./ends.js";
import { jobsBenchmark } from "./jobs.js";
import { latencyBenchmark } from "./latency.js";
import { payloadBenchmark } from "./payload.js";
import { poolBenchmark } from "./pool.js";
import { priorityBenchmark } from "./priority.js";
import { routeBenchmark } from "./route.js";
import { routesBenchmark } from "./routes.js";
import { costBenchmark, journalBenchmark, kitBenchmark, replayBenchmark, settleBenchmark } from "./script.js";
import { standingBenchmark } from "./standing.js";
import { storesBenchmark } from "./stores.js";
import { threadsBenchmark } from "./threads.js";

export const benchmarks: readonly Benchmark[] = [
  latencyBenchmark,
  priorityBenchmark,
  routeBenchmark,
  routesBenchmark,
  costBenchmark,
  settleBenchmark,
  poolBenchmark,
  depthBenchmark,
  payloadBenchmark,
  endsBenchmark,
  threadsBenchmark,
  jobsBenchmark,
  callbacksBenchmark,
  drainBenchmark,
  standingBenchmark,
  journalBenchmark,
  replayBenchmark,
  storesBenchmark,
  kitBenchmark,
];
