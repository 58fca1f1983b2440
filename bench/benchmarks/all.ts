// Every benchmark, in the order of a run.
import type { Benchmark } from "../harness/benchmark.js";
import { latencyBenchmark } from "./latency.js";
import { poolBenchmark } from "./pool.js";

export const benchmarks: readonly Benchmark[] = [poolBenchmark, latencyBenchmark];
