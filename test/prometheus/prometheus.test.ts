// The metrics: what a scrape has, that its text is what the format allows, and that the tools of others take it.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import express from "express";
import express4 from "express4";
import { prometheus, prometheusMetrics } from "offload-after-response/prometheus";
import { Registry } from "prom-client";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeDirectory } from "../support/directory.js";
import { Gate } from "../support/gate.js";
import { rejection, thrownBy, watch } from "../support/offloader.js";
import { startProgram } from "../support/process.js";
import { makeResponse } from "../support/responses.js";
import { type Metric, readExposition } from "./exposition.js";

const root = path.join(import.meta.dirname, "../..");
const pool = { maxThreads: 1 };

/** The value of the one series with these labels. */
function onlyValue(
  metrics: ReadonlyMap<string, Metric>,
  name: string,
  labels: object = {},
  suffix = "",
): number | undefined {
  const found = metrics
    .get(name)
    ?.series.filter((series) => series.name === name + suffix)
    .filter((series) => Object.entries(labels).every(([label, text]) => series.labels[label] === text));
  expect([name, found?.length]).toEqual([name, 1]);
  return found?.[0]?.value;
}

describe("a scrape", () => {
  it("has what snapshot() has", async () => {
    const { offloader } = watch("tasks.mjs", { name: "photos", pool, queue: { max: 50 } });
    const gate = new Gate();
    await offloader.run("echo", 1);
    await rejection(offloader.run("fails", { message: "no photo" }));
    offloader.offload("blocked", { gate: gate.memory });
    await gate.arrival();
    offloader.offload("echo", 2);
    thrownBy(() => offloader.offload("no such task"));
    const { response, over } = makeResponse();
    const mail = offloader.runAfterResponse(response, function mail() {});
    over();
    await mail.result();

    const metrics = readExposition(prometheus(offloader).text());
    const task = (name: string, labels: object) =>
      onlyValue(metrics, `after_response_${name}`, { offloader: "photos", ...labels });
    expect(task("accepted_total", { task: "echo", kind: "task" })).toBe(2);
    expect(task("ended_total", { task: "echo", state: "succeeded" })).toBe(1);
    expect(task("ended_total", { task: "fails", state: "failed" })).toBe(1);
    expect(task("ended_total", { task: "mail", kind: "callback", state: "succeeded" })).toBe(1);
    expect(task("tasks", { task: "blocked", state: "running" })).toBe(1);
    expect(task("tasks", { task: "echo", state: "queued" })).toBe(1);
    expect(task("refused_total", { code: "AR_UNKNOWN_TASK" })).toBe(1);
    expect(task("unfinished", {})).toBe(2);
    expect(task("unfinished_limit", {})).toBe(50);
    expect(task("oldest_queued_seconds", {})).toBeGreaterThan(0);
    expect(task("threads", { state: "busy" })).toBe(1);
    expect(task("threads_limit", {})).toBe(1);
    expect(task("threads_memory_bytes", {})).toBeGreaterThan(2 ** 20);
    expect(task("draining", {})).toBe(0);
    const runs = { offloader: "photos", task: "echo", kind: "task" };
    expect(onlyValue(metrics, "after_response_task_run_seconds", runs, "_count")).toBe(1);
    expect(onlyValue(metrics, "after_response_task_run_seconds", { ...runs, le: "+Inf" }, "_bucket")).toBe(1);
    expect(onlyValue(metrics, "after_response_task_run_seconds", { ...runs, le: "256" }, "_bucket")).toBe(1);
    expect(onlyValue(metrics, "after_response_task_run_seconds", runs, "_sum")).toBeGreaterThan(0);
    gate.open();
  });

  it("has each metric of docs/observability.md with its type and its labels, and no other", async () => {
    const { offloader } = watch("tasks.mjs", { pool, journal: { dir: makeDirectory() } });
    await offloader.ready();
    await offloader.run("echo", 1);
    thrownBy(() => offloader.offload("no such task"));
    const metrics = readExposition(prometheus(offloader).text());
    const page = readFileSync(path.join(root, "docs/observability.md"), "utf8");
    const documented = [...page.matchAll(/^\| `(after_response_\w+)` \| (\w+) \| (.*)\|$/gm)].map(
      ([, name, type, labels = ""]) => [name, type, [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label)],
    );
    const scraped = [...metrics.values()].map(({ name, type, series }) => [
      name,
      type,
      Object.keys(series[0]?.labels ?? {}).filter((label) => label !== "offloader" && label !== "le"),
    ]);
    expect(scraped).toEqual(documented);
    for (const { series } of metrics.values()) {
      for (const { labels } of series) expect(labels.offloader).toBe("offloader");
    }
  });

  it("has histograms whose buckets only grow", async () => {
    const { offloader } = watch("tasks.mjs", { pool });
    await Promise.all(Array.from({ length: 50 }, () => offloader.run("echo", 1)));
    const { series = [] } = readExposition(prometheus(offloader).text()).get("after_response_task_wait_seconds") ?? {};
    const counts = series.filter(({ name }) => name.endsWith("_bucket")).map(({ value }) => value);
    expect(counts).toHaveLength(16);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(counts.at(-1)).toBe(50);
  });

  it("escapes what a label must not have", () => {
    const name = 'a "quoted" \\ name\nin two lines';
    const { offloader } = watch("tasks.mjs", { name, pool: { minThreads: 0 } });
    const metrics = readExposition(prometheus(offloader).text());
    expect(metrics.get("after_response_draining")?.series[0]?.labels).toEqual({ offloader: name });
  });

  it("has series for 100 names, and counters that never fall for the rest", () => {
    const { offloader } = watch("tasks.mjs", { pool: { minThreads: 0 } });
    const metrics = prometheus(offloader);
    const accepted = (): Map<string, number> => {
      const { series = [] } = readExposition(metrics.text()).get("after_response_accepted_total") ?? {};
      return new Map(series.map(({ labels, value }) => [labels.task ?? "", value]));
    };
    const dispatch = (n: number): void =>
      void offloader.runAfterResponse(makeResponse().response, { [`c${n}`]() {} }[`c${n}`] as () => void);
    for (let n = 0; n < 120; n++) dispatch(n);
    expect(accepted().size).toBe(101);
    expect(accepted().get("other")).toBe(20);
    for (let n = 0; n < 130; n++) dispatch(n);
    expect(accepted().get("other")).toBe(50);
    expect(accepted().get("c0")).toBe(2);
  });

  it("has the code of each refusal from 0 on, so that an alert sees the first one", () => {
    const { offloader } = watch("tasks.mjs", { pool: { minThreads: 0 } });
    const metrics = prometheus(offloader);
    const refused = (code: string) =>
      onlyValue(readExposition(metrics.text()), "after_response_refused_total", { code });
    expect(refused("AR_INVALID_ARGUMENT")).toBe(0);
    thrownBy(() => offloader.offload("", 1));
    expect(refused("AR_INVALID_ARGUMENT")).toBe(1);
  });

  it("has a task that is called other among the rest", () => {
    const { offloader } = watch("tasks.mjs", { pool: { minThreads: 0 } });
    const metrics = prometheus(offloader);
    for (let n = 0; n < 110; n++) {
      const name = n === 50 ? "other" : `c${n}`;
      offloader.runAfterResponse(makeResponse().response, { [name]() {} }[name] as () => void);
    }
    const { series = [] } = readExposition(metrics.text()).get("after_response_accepted_total") ?? {};
    expect(series.filter(({ labels }) => labels.task === "other").map(({ value }) => value)).toEqual([10]);
  });

  it("tells several offloaders apart", () => {
    const [a, b] = ["a", "b"].map((name) => watch("tasks.mjs", { name, pool: { minThreads: 0 } }).offloader);
    const metrics = readExposition(prometheus([a, b].filter((one) => one !== undefined)).text());
    expect(metrics.get("after_response_draining")?.series.map(({ labels }) => labels.offloader)).toEqual(["a", "b"]);
  });

  it("refuses what is no offloader", () => {
    expect(thrownBy(() => prometheus({} as never))).toMatchObject({ code: "AR_INVALID_ARGUMENT" });
    expect(thrownBy(() => prometheusMetrics(undefined as never))).toMatchObject({ code: "AR_INVALID_ARGUMENT" });
  });
});

describe("the handler", () => {
  it.each([
    ["node:http", undefined],
    ["Express 5", express],
    ["Express 4", express4],
  ])("answers GET and HEAD on %s, and nothing else", async (_, framework) => {
    const { offloader } = watch("tasks.mjs", { pool: { minThreads: 0 } });
    const handler = prometheus(offloader);
    const app = framework === undefined ? handler : (framework as typeof express)().all("/metrics", handler);
    const server = createServer(app as never).listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once("listening", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
    const answer = await fetch(url);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([
      200,
      "text/plain; version=0.0.4; charset=utf-8",
    ]);
    expect(readExposition(await answer.text()).has("after_response_tasks")).toBe(false);
    const head = await fetch(url, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    expect((await fetch(url, { method: "POST" })).status).toBe(405);
  });
});

describe("prom-client", () => {
  it("has the same metrics in its registry", async () => {
    const { offloader } = watch("tasks.mjs", { pool });
    await offloader.run("echo", 1);
    const registry = new Registry();
    for (const metric of prometheusMetrics(offloader)) registry.registerMetric(metric as never);
    const theirs = readExposition(
      (await registry.metrics()).replaceAll("\n\n", "\n").replace(/^# .*\n(?=# (HELP|TYPE) \S+_(bucket|sum))/gm, ""),
    );
    const ours = readExposition(prometheus(offloader).text());
    for (const name of [
      "after_response_accepted_total",
      "after_response_task_run_seconds",
      "after_response_threads_limit",
    ]) {
      const sorted = (metrics: ReadonlyMap<string, Metric>) =>
        metrics
          .get(name)
          ?.series.map((series) => JSON.stringify([series.name, Object.entries(series.labels).sort(), series.value]))
          .sort();
      expect(sorted(theirs)).toEqual(sorted(ours));
    }
  });

  it("sums up the workers of a cluster", async () => {
    const program = await startProgram("test/prometheus/programs/cluster.mjs", { execArgv: [], ready: /^scraped$/m });
    const [, text = ""] = /^---\n([\s\S]*)^---$/m.exec(program.output) ?? [];
    await program.exited;
    const metrics = readExposition(`${text.replaceAll("\n\n", "\n").trim()}\n`);
    expect(onlyValue(metrics, "after_response_accepted_total", { task: "echo" })).toBe(6);
    expect(onlyValue(metrics, "after_response_threads_limit")).toBe(2);
    expect(onlyValue(metrics, "after_response_task_run_seconds", { task: "echo" }, "_count")).toBe(6);
  });
});

const promtool = spawnSync("promtool", ["--version"]).status === 0;
if (!promtool && process.env.OFFLOAD_REQUIRE_PROMTOOL === "1")
  throw new Error("promtool is required, and is not installed");
if (!promtool)
  console.warn(
    "SKIPPED: promtool is not installed (Debian's package prometheus), so it checks neither the metrics nor the alerts",
  );

describe.runIf(promtool)("promtool", () => {
  const run = (args: readonly string[], input = "") =>
    spawnSync("promtool", args, { cwd: root, input, encoding: "utf8" });

  it("takes a scrape", async () => {
    const { offloader } = watch("tasks.mjs", { pool, journal: { dir: makeDirectory() } });
    await offloader.run("echo", 1);
    const { status, stdout, stderr } = run(["check", "metrics"], prometheus(offloader).text());
    expect([status, stdout + stderr]).toEqual([0, ""]);
  });

  it("takes the alerts, which fire when they should and not before", () => {
    const checked = run(["check", "rules", "examples/prometheus/alerts.yml"]);
    expect(checked.stdout).toContain("SUCCESS: 5 rules found");
    const tested = run(["test", "rules", "examples/prometheus/alerts.test.yml"]);
    expect([tested.status, tested.stdout]).toEqual([0, expect.stringContaining("SUCCESS")]);
  });
});
