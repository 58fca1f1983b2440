// What the inline engine does that the conformance suite does not show: it is on record that a task runs before its code does.
import { describe, expect, it, onTestFinished } from "vitest";
import { silentLogger } from "../../src/base/logger.js";
import { createInlineEngine } from "../../src/engine/inline/inline.js";
import { Gate } from "../support/gate.js";
import { rejection } from "../support/offloader.js";
import { defineTask, recordingLogger } from "../support/tasks.js";
import { TestHost } from "./host.js";

function start(module: string, logger = silentLogger): TestHost {
  const { href } = new URL(`../fixtures/${module}`, import.meta.url);
  const engine = createInlineEngine({ module: href, concurrency: 1, abortGrace: 100, logger });
  const host = new TestHost(engine, { logger });
  onTestFinished(async () => {
    host.scheduler.abandonRunning();
    await engine.close(0);
  });
  return host;
}

describe("the inline engine", () => {
  it("has its start written down before the code of a task begins, which may end the process", async () => {
    const host = start("conformance.mjs");
    let writtenAt: bigint | undefined;
    host.reports.beforeDeparture = () => {
      writtenAt = process.hrtime.bigint();
    };
    host.start();
    const begunAt = await host.scheduler.result(host.add(defineTask("begins")));
    expect(writtenAt).toBeDefined();
    expect(begunAt).toBeGreaterThan(writtenAt ?? 0n);
  });

  it("tells why the module cannot be loaded, with the module's own error", async () => {
    const host = start("modules/throws.mjs");
    const errors: Error[] = [];
    const { unloadable } = host.reports;
    host.reports.unloadable = (error) => {
      errors.push(error);
      unloadable(error);
    };
    host.start();
    const task = host.add(defineTask("anything"));
    await rejection(host.ready);
    expect(errors).toHaveLength(1);
    expect(task).toMatchObject({ state: "failed", outcome: errors[0] });
  });

  it("reports nothing of a module that has been loaded after its end", async () => {
    const host = start("conformance.mjs");
    host.start();
    await host.engine.close(0);
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(host.names).toEqual([]);
  });

  it("runs a task in the turn after the one that added it, so that the caller's code is over", async () => {
    const host = start("conformance.mjs");
    host.start();
    await host.ready;
    const task = host.add(defineTask("echo"), {}, { payload: 1 });
    for (let i = 0; i < 10; i++) await null;
    expect(task.state).toBe("queued");
    expect(await host.scheduler.result(task)).toBe(1);
  });

  it("writes the log lines of a task with its name, id, attempt and context", async () => {
    const { logger, lines } = recordingLogger();
    const host = start("talks.mjs", logger);
    host.start();
    const payload = { lines: [["info", "found", { at: 1 }]] };
    const task = host.add(defineTask("logs"), {}, { payload, context: "r1" });
    await host.ledger.idle();
    const fields = { at: 1, kind: "task", task: "logs", id: task.id, attempt: 1, context: "r1" };
    expect(lines).toEqual([{ level: "info", message: "found", fields }]);
  });

  it("treats what a task logs as a thread does: an error, what throws, what is changed afterwards", async () => {
    const { logger, lines } = recordingLogger();
    const host = start("talks.mjs", logger);
    host.start();
    host.add(defineTask("logsError"), {});
    const hostile = host.add(defineTask("logsHostile"), {});
    expect(await host.scheduler.result(hostile)).toBe("went on");
    await host.ledger.idle();
    expect(lines.map(({ message }) => message)).toEqual(["failed", "hostile", "unlistable"]);
    expect(lines[0]?.fields.err).toMatchObject({ name: "RangeError", message: "logged", code: "E_LOGGED" });
    expect(lines[1]?.fields).toMatchObject({
      mine: { count: 1 },
      broken: expect.stringContaining("not to be read"),
      cruel: "a value that cannot be shown",
    });
  });

  it("takes no progress of an attempt that has ended for progress of the next", async () => {
    const host = start("talks.mjs");
    host.start();
    const gate = new Gate();
    const task = host.add(defineTask("reportsLate"), {}, { payload: { gate: gate.memory } });
    await host.scheduler.result(task);
    gate.open();
    await gate.arrival();
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(host.story(task)).toEqual(["accepted", "queued", "started", "succeeded"]);
  });
});
