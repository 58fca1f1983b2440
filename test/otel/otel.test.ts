// OpenTelemetry with the real SDK: spans of dispatches and attempts, in threads with an SDK and without, and metrics.
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { context, type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import type { Offloader } from "offload-after-response";
import {
  OffloadInstrumentation,
  type OffloadInstrumentationOptions,
  offloadMetrics,
} from "offload-after-response/otel";
import { prometheus } from "offload-after-response/prometheus";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { wallClock } from "../../src/base/time.js";
import { makeDirectory } from "../support/directory.js";
import { rejection, thrownBy, type Watched, watch } from "../support/offloader.js";
import { makeResponse } from "../support/responses.js";

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
beforeAll(() => provider.register());
afterAll(() => provider.shutdown());

function instrument(options: OffloadInstrumentationOptions = {}): OffloadInstrumentation {
  exporter.reset();
  const instrumentation = new OffloadInstrumentation(options);
  onTestFinished(() => instrumentation.disable());
  return instrumentation;
}

const spans = (name: string): ReadableSpan[] => exporter.getFinishedSpans().filter((span) => span.name === name);
const one = (name: string): ReadableSpan => {
  const [span, ...more] = spans(name);
  expect([name, more.length, span === undefined]).toEqual([name, 0, false]);
  return span as ReadableSpan;
};
const idOf = (span: ReadableSpan): string => span.spanContext().spanId;
const linksOf = (span: ReadableSpan): string[] => span.links.map((link) => link.context.spanId);

const sdk = pathToFileURL(path.join(import.meta.dirname, "fixtures/thread-sdk.mjs")).href;

function startWithSdk(pool: { readonly abortGrace?: number }) {
  const file = path.join(makeDirectory(), "spans.jsonl");
  const env = { ...process.env, SPANS: file };
  const watched = watch("spans.mjs", { pool: { ...pool, maxThreads: 1, execArgv: ["--import", sdk], env } });
  const inThread = (name: string) =>
    (existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [])
      .map((line) => JSON.parse(line))
      .filter((span) => span.name === name);
  return { ...reading(watched), inThread };
}

function reading(watched: Watched): { offloader: Offloader; event: Watched["event"] } {
  return { offloader: watched.offloader, event: watched.event.bind(watched) };
}

/** A metric as it is given to a reader. */
interface Made {
  readonly descriptor: { readonly name: string; readonly unit: string };
  readonly dataPointType: number;
  readonly dataPoints: readonly unknown[];
}

describe("without an SDK in the threads", () => {
  const pool = { maxThreads: 1 };

  it("a dispatch is a span of the request, and the first attempt its child", async () => {
    instrument();
    const { offloader } = watch("spans.mjs", { name: "photos", pool });
    const handle = trace.getTracer("user").startActiveSpan("POST /photos", (span: Span) => {
      const accepted = offloader.offload("resize", { width: 4 });
      span.end();
      return accepted;
    });
    await handle.result();
    await offloader.idle();
    const send = one("send resize");
    expect(send.kind).toBe(SpanKind.PRODUCER);
    expect(send.parentSpanContext?.spanId).toBe(idOf(one("POST /photos")));
    expect(send.attributes).toEqual({
      "messaging.system": "after_response",
      "messaging.destination.name": "resize",
      "messaging.operation.name": "send",
      "messaging.operation.type": "send",
      "messaging.message.id": handle.id,
      "after_response.offloader": "photos",
      "after_response.kind": "task",
    });
    const process = one("process resize");
    expect(process.kind).toBe(SpanKind.CONSUMER);
    expect(process.parentSpanContext?.spanId).toBe(idOf(send));
    expect(process.attributes).toMatchObject({
      "messaging.operation.type": "process",
      "messaging.message.id": handle.id,
      "after_response.attempt": 1,
      "after_response.outcome": "succeeded",
      "after_response.wait.duration": expect.any(Number),
      "thread.id": expect.any(Number),
    });
  });

  it("a retry is a trace of its own, with a link", async () => {
    instrument();
    const { offloader } = watch("spans.mjs", { pool });
    await rejection(offloader.run("fails", undefined, { attempts: 2, backoff: 0 }));
    await offloader.idle();
    const send = one("send fails");
    const [first, second] = spans("process fails");
    expect(first?.parentSpanContext?.spanId).toBe(idOf(send));
    expect(first?.attributes).toMatchObject({ "after_response.outcome": "retrying", "error.type": "RangeError" });
    expect(second?.parentSpanContext).toBeUndefined();
    expect(second && linksOf(second)).toEqual([idOf(send)]);
    expect(second?.status).toEqual({ code: SpanStatusCode.ERROR, message: "no photo" });
  });

  it.each([
    ["link", (send: string, [, links]: [string | undefined, string[]]) => expect(links).toEqual([send])],
    ["none", (_send: string, [, links]: [string | undefined, string[]]) => expect(links).toEqual([])],
  ] as const)("with the relation %s no attempt is a child", async (relation, check) => {
    instrument({ relation });
    const { offloader } = watch("spans.mjs", { pool });
    await offloader.run("resize", { width: 2 });
    await offloader.idle();
    const process = one("process resize");
    expect(process.parentSpanContext).toBeUndefined();
    check(idOf(one("send resize")), [undefined, linksOf(process)]);
  });

  it("a refused dispatch is a span with the code of the refusal", () => {
    instrument();
    const { offloader } = watch("spans.mjs", { pool: { minThreads: 0 }, queue: { max: 1 } });
    offloader.pause();
    offloader.offload("resize", { width: 1 });
    thrownBy(() => offloader.offload("resize", { width: 1 }));
    expect(spans("send resize").map(({ attributes }) => attributes["error.type"])).toEqual([
      undefined,
      "AR_QUEUE_FULL",
    ]);
  });

  it("a callback is a span on the main thread, for as long as its promise takes", async () => {
    instrument();
    const { offloader } = watch("spans.mjs", { pool });
    const { response, over } = makeResponse();
    const handle = offloader.runAfterResponse(response, async function mail() {
      await Promise.resolve();
    });
    over();
    await handle.result();
    await offloader.idle();
    expect(one("process mail").parentSpanContext?.spanId).toBe(idOf(one("send mail")));
    expect(one("process mail").attributes).toMatchObject({
      "after_response.kind": "callback",
      "after_response.outcome": "succeeded",
    });
  });

  it("what comes back from a journal is a trace of its own, with a link", async () => {
    instrument();
    const journal = { dir: makeDirectory() };
    const before = watch("spans.mjs", { pool, journal });
    before.offloader.pause();
    const { id } = before.offloader.offload("resize", { width: 4 });
    await before.offloader.close({ timeout: 0 });
    const { offloader, event } = reading(watch("spans.mjs", { pool, journal }));
    await event("succeeded", (ended) => ended.id === id);
    await offloader.idle();
    const process = one("process resize");
    expect(process.parentSpanContext).toBeUndefined();
    expect(linksOf(process)).toEqual([idOf(one("send resize"))]);
  });

  it("an attempt has its priority, and one span, although the task is cancelled while it waits for the next", async () => {
    instrument();
    const { offloader } = watch("spans.mjs", { pool });
    const handle = offloader.offload("fails", undefined, { attempts: 2, backoff: 60_000, priority: "high" });
    await new Promise<void>((resolve) => void offloader.on("retrying", () => resolve()));
    handle.cancel();
    await offloader.idle();
    expect(one("process fails").attributes).toMatchObject({
      "after_response.priority": "high",
      "after_response.outcome": "retrying",
    });
  });

  it("disable() ends it, and enable() begins again", async () => {
    const instrumentation = instrument();
    const { offloader } = watch("spans.mjs", { pool });
    instrumentation.disable();
    await offloader.run("resize", { width: 2 });
    expect(exporter.getFinishedSpans()).toEqual([]);
    instrumentation.enable();
    instrumentation.enable();
    await offloader.run("resize", { width: 2 });
    await offloader.idle();
    expect(spans("send resize")).toHaveLength(1);
    expect(spans("process resize")).toHaveLength(1);
  });

  it("refuses a relation that there is not", () => {
    expect(thrownBy(() => new OffloadInstrumentation({ relation: "sibling" as never }))).toMatchObject({
      code: "AR_INVALID_OPTIONS",
    });
  });
});

describe("with an SDK in the threads", () => {
  const start = () => startWithSdk({});

  it("the thread makes the span of an attempt, and the user's spans are its children", async () => {
    instrument();
    const { offloader, inThread } = start();
    await offloader.run("resize", { width: 4 });
    await offloader.run("later", undefined, { priority: "low" });
    await offloader.idle();
    const [process] = inThread("process resize");
    expect(inThread("process later")[0].attributes["after_response.priority"]).toBe("low");
    expect(process.parent).toBe(idOf(one("send resize")));
    expect(inThread("decode")[0]).toMatchObject({ parent: process.spanId, traceId: process.traceId });
    expect(inThread("after an await")[0].parent).toBe(inThread("process later")[0].spanId);
    expect(spans("process resize")).toEqual([]);
  });

  it("a task that leaves another is the parent of its dispatch", async () => {
    instrument();
    const { offloader, inThread } = start();
    await offloader.run("leaves");
    await offloader.idle();
    const [send] = inThread("send resize");
    expect(send.parent).toBe(inThread("process leaves")[0].spanId);
    expect(inThread("process resize")[0].parent).toBe(send.spanId);
  });

  it("the main thread makes the span of an attempt whose thread has died", async () => {
    instrument();
    const { offloader, inThread } = start();
    await rejection(offloader.run("exits"));
    await offloader.idle();
    expect(inThread("process exits")).toEqual([]);
    expect(one("process exits").attributes).toMatchObject({
      "error.type": "AR_THREAD_EXITED",
      "after_response.outcome": "failed",
    });
  });
});

describe("a task that is stopped on a thread with an SDK", () => {
  const abortGrace = 50;

  it.each([
    ["timeout", "AR_TIMEOUT", "failed"],
    ["cancel", "AR_CANCELLED", "cancelled"],
  ] as const)(
    "by its %s has the span that the main thread makes, if its thread is terminated",
    async (how, code, outcome) => {
      instrument();
      const { offloader, event, inThread } = startWithSdk({ abortGrace });
      const begun = wallClock();
      const handle = offloader.offload("never", undefined, how === "timeout" ? { timeout: 50 } : {});
      if (how === "cancel") {
        await event("progress");
        handle.cancel();
      }
      await event(outcome);
      await offloader.idle();
      expect(inThread("process never")).toEqual([]);
      const span = one("process never");
      expect(span.attributes).toMatchObject({ "error.type": code, "after_response.outcome": outcome });
      const [startMs, endMs] = [span.startTime, span.endTime].map(([s, ns]) => s * 1_000 + ns / 1e6) as [
        number,
        number,
      ];
      expect(startMs).toBeGreaterThan(begun - 2);
      expect(endMs - startMs).toBeGreaterThanOrEqual(abortGrace - 2);
    },
  );

  it("has the span that the thread makes, if it stops by itself", async () => {
    instrument();
    const { offloader, event, inThread } = startWithSdk({});
    const handle = offloader.offload("untilAborted");
    await event("progress");
    handle.cancel();
    await event("cancelled");
    await offloader.idle();
    expect(inThread("process untilAborted")).toHaveLength(1);
    expect(spans("process untilAborted")).toEqual([]);
  });
});

describe("the metrics", () => {
  it("have more than 100 names of tasks in one series, as those for Prometheus have", async () => {
    const { offloader } = watch("spans.mjs", { pool: { minThreads: 0 } });
    const named = (index: number) =>
      ({ [`callback${index}`]: async () => {} })[`callback${index}`] as () => Promise<void>;
    const { response, over } = makeResponse();
    for (let index = 0; index < 120; index++) offloader.runAfterResponse(response, named(index));
    over();
    await offloader.idle();
    const { resourceMetrics } = await offloadMetrics(offloader).collect();
    const { metrics } = resourceMetrics.scopeMetrics[0];
    const accepted = metrics.find(({ descriptor }: Made) => descriptor.name === "after_response.accepted");
    expect(accepted.dataPoints).toHaveLength(101);
    expect(accepted.dataPoints.at(-1)).toMatchObject({
      attributes: { "messaging.destination.name": "other" },
      value: 20,
    });
  });

  it("are those for Prometheus, each with a name of its own and a unit", async () => {
    const journal = { dir: makeDirectory() };
    const { offloader } = watch("spans.mjs", { pool: { maxThreads: 1 }, journal });
    await offloader.run("resize", { width: 2 });
    const { resourceMetrics } = await offloadMetrics(offloader).collect();
    const [{ scope, metrics }] = resourceMetrics.scopeMetrics;
    expect(scope).toEqual({ name: packageJson.name, version: packageJson.version });
    expect(new OffloadInstrumentation({ enabled: false }).instrumentationVersion).toBe(packageJson.version);
    const names = metrics.map(({ descriptor }: Made) => descriptor.name);
    expect(new Set(names).size).toBe(names.length);
    for (const { descriptor } of metrics) expect(descriptor.unit).toMatch(/^(s|By|1|\{[a-z]+\})$/);
    const families = [
      ...prometheus(offloader)
        .text()
        .matchAll(/^# TYPE (\w+) (\w+)$/gm),
    ];
    const kinds: Record<string, number> = { histogram: 1, gauge: 2, counter: 3 };
    expect(
      metrics.filter(({ dataPoints }: Made) => dataPoints.length > 0).map((metric: Made) => metric.dataPointType),
    ).toEqual(families.map(([, , type]) => kinds[type ?? ""]));
  });

  it("are pulled by a reader of the SDK, the times as exponential histograms of scale 3", async () => {
    const { offloader } = watch("spans.mjs", { name: "photos", pool: { maxThreads: 1 } });
    const memory = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({
      exporter: memory,
      metricProducers: [offloadMetrics(offloader)],
    });
    const meters = new MeterProvider({ readers: [reader] });
    await Promise.all(Array.from({ length: 5 }, () => offloader.run("resize", { width: 2 })));
    await reader.forceFlush();
    const metrics =
      memory.getMetrics()[0]?.scopeMetrics.find(({ scope }) => scope.name === "offload-after-response")?.metrics ?? [];
    const point = (name: string) => metrics.find(({ descriptor }) => descriptor.name === name)?.dataPoints[0];
    const attributes = {
      "after_response.offloader": "photos",
      "messaging.destination.name": "resize",
      "after_response.kind": "task",
    };
    expect(point("after_response.accepted")).toMatchObject({ attributes, value: 5 });
    expect(point("after_response.run.duration")?.value).toMatchObject({ count: 5, scale: 3 });
    const times = point("after_response.run.duration")?.value as
      | { readonly positive: { readonly bucketCounts: readonly number[] }; readonly zeroCount: number }
      | undefined;
    expect(times?.positive.bucketCounts.reduce((sum, count) => sum + count, times.zeroCount)).toBe(5);
    expect(point("after_response.threads.limit")?.value).toBe(1);
    await meters.shutdown();
  });
});

it("leaves no context behind", () => {
  expect(trace.getSpan(context.active())).toBeUndefined();
});
