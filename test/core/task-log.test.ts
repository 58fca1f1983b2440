// What the log says of tasks: fields, levels, what is summed up, and what is not made at all.
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { isEnabled, type Logger, named } from "../../src/base/logger.js";
import { Events } from "../../src/core/events.js";
import { Ledger } from "../../src/core/ledger.js";
import type { TaskLogSettings } from "../../src/core/log/task-log.js";
import type { Task } from "../../src/core/task.js";
import { createTaskLog } from "../support/task-log.js";
import { defineTask, makeTask } from "../support/tasks.js";

type Fields = Record<string, unknown>;

/** A log that writes to pino, as a program has it. */
function create(level: string, settings: Partial<TaskLogSettings> = {}, limits?: { max: number; maxBytes: number }) {
  const written: Fields[] = [];
  const logger = pino(
    { level, base: undefined, timestamp: false },
    { write: (text) => written.push(JSON.parse(text)) },
  );
  const events = new Events(() => {});
  const ledger = new Ledger(events);
  const parts = { events, ledger, logger: named(logger as Logger, "photos"), settings };
  const log = createTaskLog({ ...parts, ...(limits && { limits }) });
  ledger.observe((task, from, detail) => log.moved(task, from, detail));
  const move = (make: () => void): void => {
    events.beginMove();
    make();
    events.endMove();
  };
  const run = (carrier?: Task["carrier"]): Task => {
    const task = makeTask(defineTask("resize"), {}, { payload: { secret: "s" }, context: { request: 7 } });
    task.carrier = carrier;
    move(() => {
      ledger.accept(task);
      log.accepted(task);
      ledger.queued(task);
      ledger.started(task, 3);
    });
    return task;
  };
  return { log, logger, ledger, written, move, run };
}

const error = Object.assign(new Error("no"), { code: "E_NO" });
const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const spanId = "00f067aa0ba902b7";

describe("the log of tasks", () => {
  it("names the task in every step, with the ids of its trace, and never the payload", () => {
    const { ledger, written, move, run } = create("debug");
    const task = run({ traceparent: `00-${traceId}-${spanId}-01` });
    move(() => ledger.failed(task, error, 5));
    const whose = {
      offloader: "photos",
      task: "resize",
      kind: "task",
      id: task.id,
      context: { request: 7 },
      trace_id: traceId,
      span_id: spanId,
    };
    expect(written).toMatchObject([
      { level: 20, ...whose, attempt: 0, msg: "task accepted" },
      { level: 20, ...whose, attempt: 1, thread: 3, msg: "task started" },
      {
        level: 50,
        ...whose,
        attempt: 1,
        thread: 3,
        runMs: 5,
        code: "E_NO",
        err: { message: "no" },
        msg: "task failed",
      },
    ]);
    expect(JSON.stringify(written)).not.toContain("secret");
  });

  it.each(["x", `00-${"0".repeat(32)}-${spanId}-01`, `ff-${traceId}-${spanId}-01`])(
    "takes no ids from %s",
    (traceparent) => {
      const { written, run } = create("debug");
      run({ traceparent });
      expect(written[0]).not.toHaveProperty("trace_id");
    },
  );

  it("names every id of 1,300 failures that are alike, in few lines", () => {
    const { log, ledger, written, move, run } = create("info");
    const ids = Array.from({ length: 1_300 }, (_, index) => {
      const task = run();
      move(() => ledger.failed(task, new Error(`photo ${index} is broken`)));
      return task.id;
    });
    log.stop();
    expect(written).toHaveLength(13);
    expect(written.flatMap((line) => (line.ids as string[] | undefined) ?? [line.id])).toEqual(ids);
    expect(written.at(-1)).toMatchObject({ task: "resize", count: 290, msg: "task failed: 290 more like it" });
  });

  it("warns of an attempt that failed, with how long the next one waits", () => {
    const { ledger, written, move, run } = create("info");
    const task = run();
    move(() => ledger.delayed(task, 100, error, 5));
    expect(written).toMatchObject([{ level: 40, attempt: 1, thread: 3, runMs: 5, delayMs: 100, code: "E_NO" }]);
  });

  it("logs the ends that were asked for", () => {
    const ends = (settings: Partial<TaskLogSettings>): unknown[] => {
      const { ledger, written, move, run } = create("info", settings);
      for (const runMs of [1, 50]) {
        const task = run();
        move(() => ledger.succeeded(task, 1, runMs));
      }
      return written.map(({ msg }) => msg);
    };
    expect(ends({ ended: "failed" })).toEqual([]);
    expect(ends({ ended: "slow", slowMs: 50 })).toEqual(["task succeeded, and was slow"]);
    expect(ends({ ended: "all", slowMs: 50 })).toEqual(["task succeeded", "task succeeded, and was slow"]);
    expect(ends({ ended: "all", slowMs: 50, sample: 0 })).toEqual(["task succeeded, and was slow"]);
  });

  it("has times to the microsecond, because no digit behind it says anything", () => {
    const { ledger, written, move, run } = create("error");
    const task = run();
    move(() => ledger.failed(task, error, 0.6980810165405273));
    expect(written.at(-1)?.runMs).toBe(0.698);
  });

  it("warns once that the queue is over 80 % full", () => {
    const { written, run } = create("info", {}, { max: 10, maxBytes: 1e9 });
    for (let count = 0; count < 10; count++) run();
    expect(written).toMatchObject([{ level: 40, unfinished: 9, max: 10 }]);
  });

  it("asks pino before a line is made", () => {
    const { logger } = create("warn");
    expect(["debug", "info", "warn"].map((level) => isEnabled(logger as Logger, level as "warn"))).toEqual([
      false,
      false,
      true,
    ]);
  });
});
