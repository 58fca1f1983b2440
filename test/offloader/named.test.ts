// A module that a framework evaluates several times makes one offloader.
import { setTimeout as wait } from "node:timers/promises";
import { createOffloader, type Offloader, type OffloaderOptions } from "offload-after-response";
import { expect, it, onTestFinished, vi } from "vitest";
import { startProgram } from "../support/process.js";

const tasks = new URL("../fixtures/tasks.mjs", import.meta.url);
const others = new URL("../fixtures/failures.mjs", import.meta.url);

function evaluate(options: Omit<OffloaderOptions, "tasks"> & { tasks?: URL } = {}): Offloader {
  const offloader = createOffloader({ tasks, logger: false, pool: { minThreads: 0 }, ...options });
  onTestFinished(async () => {
    await offloader.close({ timeout: 0 });
  });
  return offloader;
}

function inDevelopment(): void {
  vi.stubEnv("NODE_ENV", "development");
  onTestFinished(() => void vi.unstubAllEnvs());
}

it("a name and a tasks module stand for one offloader", () => {
  const first = evaluate({ name: "photos" });
  expect(evaluate({ name: "photos" })).toBe(first);
  expect(evaluate({ name: "mails" })).not.toBe(first);
  expect(evaluate({ name: "photos", tasks: others })).not.toBe(first);
});

it("one that is closed, or that closes, is not handed on", async () => {
  const first = evaluate({ name: "photos" });
  const closed = first.close();
  const second = evaluate({ name: "photos" });
  expect(second).not.toBe(first);
  await closed;
  expect(evaluate({ name: "photos" })).toBe(second);
});

it("the next one after a closed one is handed on, although the closed one ends later", async () => {
  const first = evaluate({ name: "photos" });
  first.offload("nothing");
  const closed = first.close();
  const second = evaluate({ name: "photos" });
  await closed;
  await wait(0);
  expect(evaluate({ name: "photos" })).toBe(second);
});

it("options that have changed are not used, and a warning says so", () => {
  const warn = vi.fn();
  const logger = { info: vi.fn(), warn, error: vi.fn() };
  const first = evaluate({ name: "photos", logger, queue: { max: 5 } });
  expect(evaluate({ name: "photos", logger, queue: { max: 5 } })).toBe(first);
  expect(warn).not.toHaveBeenCalled();
  expect(evaluate({ name: "photos", queue: { max: 6 } })).toBe(first);
  expect(warn).toHaveBeenCalledWith(
    { offloader: "photos" },
    expect.stringContaining("are not used: restart the process"),
  );
});

it("without a name every call makes one, unless it is in development and the options are the same", () => {
  expect(evaluate()).not.toBe(evaluate());
  inDevelopment();
  const context = () => "here";
  const first = evaluate({ context });
  expect(evaluate({ context: () => "here" })).toBe(first);
  expect(evaluate({ context: () => "there" })).not.toBe(first);
  expect(evaluate({ context, queue: { max: 5 } })).not.toBe(first);
});

it("options that have no text, such as a circle, are no reason to hand on or to fail", () => {
  inDevelopment();
  const workerData: { self?: unknown } = {};
  workerData.self = workerData;
  const pool = { minThreads: 0, workerData };
  expect(evaluate({ pool })).not.toBe(evaluate({ pool }));
  expect(evaluate({ name: "circle", pool })).toBe(evaluate({ name: "circle", pool }));
});

it("a module that is evaluated twice, and shuts down twice, has one offloader whose tasks are all done", async () => {
  const program = await startProgram("test/offloader/programs/evaluated/main.mjs", {
    execArgv: [],
    ready: /^listening (\d+), with 2$/m,
  });
  program.kill("SIGTERM");
  const { code, stderr } = await program.exited;
  expect(code).toBe(0);
  expect(stderr).toContain("during it 2 completed, 0 failed, 0 abandoned");
  expect(stderr.match(/"report":/g)).toHaveLength(1);
});
