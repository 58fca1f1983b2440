// What runs for long without a timeout is told of: in the log, by an event, in stats().
import { createServer } from "node:http";
import { describe, expect, it } from "vitest";
import { Gate } from "../support/gate.js";
import { listen } from "../support/http.js";
import { watch } from "../support/offloader.js";

const options = { pool: { maxThreads: 1 }, callbacks: { concurrency: 1 }, log: { longRunning: 50 } };

describe("what runs for log.longRunning without a timeout", () => {
  it("is a task that holds the only thread: it is named, with what waits for it", async () => {
    const watched = watch("tasks.mjs", options);
    const gate = new Gate();
    const { id } = watched.offloader.offload("waiting", { gate: gate.memory });
    await gate.arrival();
    watched.offloader.offload("echo", 1);
    const line = await watched.line(/a task has been running for long/);
    expect(line).toMatchObject({ level: "warn", fields: { task: "waiting", count: 1, ids: [id] } });
    const event = await watched.event("longRunning", ({ waiting }) => waiting === 1);
    expect(event).toMatchObject({ id, task: "waiting", state: "running", runMs: expect.any(Number) });
    expect(watched.offloader.stats().longRunning).toBe(1);
    gate.open();
    await watched.offloader.idle();
    expect(watched.offloader.stats().longRunning).toBe(0);
  });

  it("is a callback that never returns", async () => {
    const watched = watch("tasks.mjs", options);
    let end = (): void => {};
    const server = createServer((_req, res) => {
      watched.offloader.runAfterResponse(res, function sendMail() {
        return new Promise<void>((resolve) => {
          end = resolve;
        });
      });
      res.end();
    });
    const port = await listen(server);
    await fetch(`http://127.0.0.1:${port}`);
    const line = await watched.line(/a callback has been running for long/);
    expect(line).toMatchObject({ level: "warn", fields: { task: "sendMail", count: 1 } });
    end();
    await watched.offloader.idle();
  });
});
