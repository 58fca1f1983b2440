// What observing costs: main-thread CPU of a tiny task with nobody listening, with the spans of OpenTelemetry at 1 % sampling, and
// with all of them; a scrape of 50 names; and the calls that show and change what there is. Interleaved, medians.
//
//   node bench/observe.mjs [rounds]
import { fork } from "node:child_process";
import { tracingChannel } from "node:diagnostics_channel";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { context, propagation, SpanKind, trace } from "@opentelemetry/api";
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
import { mainThreadUs } from "./cpu-time.mjs";

const bars = { sampledUs: 2, scrapeMs: 2 };
const kinds = ["nobody", "floor", "sampled", "all"];
const tasks = 5_000;
const waiting = 100_000;
const warmUps = 8;
const attributes = Object.fromEntries(Array.from({ length: 6 }, (_, n) => [`messaging.attribute${n}`, `value${n}`]));

if (process.send !== undefined) await measure(process.argv[2]);
else await compare(Number(process.argv[2] ?? 15));

async function compare(rounds) {
  const children = Object.fromEntries(kinds.map((kind) => [kind, fork(import.meta.filename, [kind])]));
  await Promise.all(Object.values(children).map((child) => once(child, "message")));
  const costs = Object.fromEntries(kinds.map((kind) => [kind, []]));
  for (let round = 0; round < rounds + warmUps; round++) {
    for (const kind of round % 2 === 0 ? kinds : kinds.toReversed()) {
      const cost = await ask(children[kind], "dispatch");
      if (round >= warmUps) costs[kind].push(cost);
    }
  }
  const scrape = await ask(children.nobody, "scrape");
  const calls = await ask(children.nobody, "calls");
  for (const child of Object.values(children)) child.disconnect();

  const nobody = median(costs.nobody);
  console.log(`Node ${process.version}, ${rounds} rounds of ${tasks} tasks, medians of the main thread's CPU time\n`);
  console.log(`nobody listens                ${nobody.toFixed(2)} us a task`);
  console.log(`the floor, 1 % sampled        ${(median(costs.floor) - nobody).toFixed(2)} us a task more`);
  console.log(`OpenTelemetry, all sampled   ${(median(costs.all) - nobody).toFixed(2)} us a task more\n`);
  bar("us a task more, OpenTelemetry at 1 % sampling", median(costs.sampled) - nobody, bars.sampledUs);
  bar("ms a scrape of 50 names", scrape, bars.scrapeMs);
  console.log(`\nCalls, with ${waiting} tasks waiting and 50 names`);
  for (const [call, cost] of Object.entries(calls)) console.log(`${call.padEnd(30)}${cost}`);
}

async function ask(child, what) {
  child.send(what);
  const [answer] = await once(child, "message");
  return answer;
}

async function measure(kind) {
  const folder = mkdtempSync(path.join(tmpdir(), "observe-bench-"));
  const names = Array.from({ length: 50 }, (_, n) => `task${n}`);
  writeFileSync(path.join(folder, "tasks.mjs"), names.map((name) => `export const ${name} = ({ n }) => n;\n`).join(""));
  const sampler = kind === "all" ? new AlwaysOnSampler() : new TraceIdRatioBasedSampler(0.01);
  const exporter = { export: (_spans, done) => done({ code: 0 }), async shutdown() {} };
  const provider = new NodeTracerProvider({
    sampler: new ParentBasedSampler({ root: sampler }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  provider.register();
  const instrumentation = new OffloadInstrumentation({ enabled: false });
  instrumentation.setTracerProvider(provider);
  if (kind === "sampled" || kind === "all") instrumentation.enable();
  const offloader = createOffloader({
    tasks: pathToFileURL(path.join(folder, "tasks.mjs")),
    pool: { maxThreads: 1 },
    queue: { max: 2 * waiting },
    logger: false,
  });
  await offloader.ready();
  const beside = kind === "floor" ? floorOf(provider.getTracer("floor")) : () => {};

  const answers = { dispatch: usPerTask, scrape: msPerScrape, calls: costOfCalls };
  process.on("message", async (what) => process.send(await answers[what]()));
  process.once("disconnect", async () => {
    instrumentation.disable();
    await offloader.close();
    await provider.shutdown();
    rmSync(folder, { recursive: true });
  });
  process.send("ready");

  async function usPerTask() {
    const from = mainThreadUs();
    for (let n = 0; n < tasks; n++) {
      beside();
      offloader.offload("task0", { n });
    }
    await offloader.idle();
    return (mainThreadUs() - from) / tasks;
  }

  async function msPerScrape() {
    for (const name of names) await offloader.run(name, { n: 1 });
    const metrics = prometheus(offloader);
    const scrapes = Array.from({ length: 40 }, () => {
      const from = mainThreadUs();
      for (let scrape = 0; scrape < 10; scrape++) metrics.text();
      return (mainThreadUs() - from) / 10_000;
    });
    return median(scrapes);
  }

  async function costOfCalls() {
    for (const name of names) await offloader.run(name, { n: 1 });
    offloader.pause();
    for (let n = 0; n < waiting; n++) offloader.offload("task0", { n });
    offloader.offload("task1", { n: 0 });
    const inUs = (us, of) => `${us.toFixed(2)} us${of}`;
    const costs = {
      "stats()": inUs(usOf(() => offloader.stats()) / names.length, " a name"),
      "snapshot()": inUs(usOf(() => offloader.snapshot()) / names.length, " a name"),
      "threads()": inUs(
        usOf(() => offloader.threads()),
        " a thread",
      ),
      // The last one alone has this name, so it looks at all of them.
      'tasks({ task: "task1" })': inUs(
        usOf(() => offloader.tasks({ task: "task1" })),
        "",
      ),
    };
    const from = mainThreadUs();
    offloader.cancel("task0");
    costs["cancel(name)"] = inUs((mainThreadUs() - from) / waiting, " a task");
    offloader.resume();
    await offloader.idle();
    return costs;
  }
}

/** The median of the main thread's CPU time for one call, in us. */
function usOf(call) {
  const batches = Array.from({ length: 20 }, () => {
    const from = mainThreadUs();
    for (let n = 0; n < 20; n++) call();
    return (mainThreadUs() - from) / 20;
  });
  return median(batches);
}

/** What each instrumentation asks of Node.js and of the SDK at a dispatch: a channel, and a span; and two whole ones where it is sampled. */
function floorOf(tracer) {
  const channel = tracingChannel("floor");
  channel.subscribe({
    start(message) {
      message.span = tracer.startSpan("send task0", { kind: SpanKind.PRODUCER }, context.active());
    },
    end({ span }) {
      if (!span.isRecording()) return;
      const carrier = {};
      span.setAttributes(attributes);
      propagation.inject(trace.setSpan(context.active(), span), carrier);
      span.end();
      const from = propagation.extract(context.active(), carrier);
      tracer.startSpan("process task0", { kind: SpanKind.CONSUMER, attributes }, from).end();
    },
    asyncStart() {},
    asyncEnd() {},
    error() {},
  });
  return () => channel.traceSync(() => {}, {});
}

function bar(text, measured, bound) {
  console.log(`${measured <= bound ? "met    " : "NOT met"} ${text}: ${measured.toFixed(2)} (bar: ${bound})`);
}

function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
