// What observing costs: main-thread CPU of a tiny task with nobody listening, with the spans of OpenTelemetry at 1 % sampling, and
// with all of them; and a scrape of 50 names. Interleaved, medians.
//
//   node bench/observe.mjs [rounds]
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { context, SpanKind, trace } from "@opentelemetry/api";
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace-base";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { createOffloader } from "offload-after-response";
import { OffloadInstrumentation } from "offload-after-response/otel";
import { prometheus } from "offload-after-response/prometheus";

const bars = { sampledUs: 2, scrapeMs: 2 };
const rounds = Number(process.argv[2] ?? 15);
const tasks = 5_000;

const folder = mkdtempSync(path.join(tmpdir(), "observe-bench-"));
const names = Array.from({ length: 50 }, (_, n) => `task${n}`);
writeFileSync(path.join(folder, "tasks.mjs"), names.map((name) => `export const ${name} = ({ n }) => n;\n`).join(""));

const exporter = { export: (_spans, done) => done({ code: 0 }), async shutdown() {} };
const providerOf = (sampler) =>
  new NodeTracerProvider({
    sampler: new ParentBasedSampler({ root: sampler }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
const providers = { sampled: providerOf(new TraceIdRatioBasedSampler(0.01)), all: providerOf(new AlwaysOnSampler()) };
providers.sampled.register();
const instrumentation = new OffloadInstrumentation({ enabled: false });

const offloader = createOffloader({
  tasks: pathToFileURL(path.join(folder, "tasks.mjs")),
  pool: { maxThreads: 1 },
  logger: false,
});
await offloader.ready();

const tracer = providers.sampled.getTracer("floor");
/** What the API asks of every instrumentation at a dispatch: whether this span is sampled. */
const startSpan = () => tracer.startSpan("send task0", { kind: SpanKind.PRODUCER }, context.active()).end();

const costs = { nobody: [], floor: [], sampled: [], all: [] };
for (let round = 0; round < rounds + 3; round++) {
  for (const kind of Object.keys(costs)) {
    if (kind === "sampled" || kind === "all") {
      instrumentation.setTracerProvider(providers[kind]);
      instrumentation.enable();
    }
    const cost = await usPerTask(kind === "floor" ? startSpan : () => {});
    instrumentation.disable();
    if (round >= 3) costs[kind].push(cost);
  }
}
for (const name of names) await offloader.run(name, { n: 1 });
const metrics = prometheus(offloader);
const scrapes = Array.from({ length: 40 }, () => {
  const from = cpuMs();
  for (let scrape = 0; scrape < 10; scrape++) metrics.text();
  return (cpuMs() - from) / 10;
});

const nobody = median(costs.nobody);
console.log(`Node ${process.version}, ${rounds} rounds of ${tasks} tasks, medians of the main thread's CPU time\n`);
console.log(`nobody listens              ${nobody.toFixed(2)} us a task`);
console.log(`startSpan alone, 1 % sampled ${(median(costs.floor) - nobody).toFixed(2)} us a task more`);
console.log(`OpenTelemetry, all sampled  ${(median(costs.all) - nobody).toFixed(2)} us a task more\n`);
bar("us a task more, OpenTelemetry at 1 % sampling", median(costs.sampled) - nobody, bars.sampledUs);
bar("ms a scrape of 50 names", median(scrapes), bars.scrapeMs);
await offloader.close();
await Promise.all(Object.values(providers).map((provider) => provider.shutdown()));
trace.disable();
rmSync(folder, { recursive: true });

function bar(text, measured, bound) {
  console.log(`${measured <= bound ? "met    " : "NOT met"} ${text}: ${measured.toFixed(2)} (bar: ${bound})`);
}

async function usPerTask(beside) {
  const from = cpuMs();
  for (let n = 0; n < tasks; n++) {
    beside();
    offloader.offload("task0", { n });
  }
  await offloader.idle();
  return ((cpuMs() - from) * 1_000) / tasks;
}

function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function cpuMs() {
  if (process.threadCpuUsage !== undefined) {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  }
  // The kernel brings the number up to date when the thread stops running.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0.05);
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, "latin1").split(" ")[0]) / 1e6;
}
