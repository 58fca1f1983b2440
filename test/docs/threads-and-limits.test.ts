// The tasks of docs/threads-and-limits.md do what the page says of them.
import { createServer } from "node:http";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { listen } from "../support/http.js";
import { rejection, type WatchedOptions, watch } from "../support/offloader.js";
import { writeDocument } from "./documents.js";

let project: { directory: string; remove(): Promise<void> };

beforeAll(async () => {
  project = await writeDocument("threads-and-limits");
});
afterAll(() => project.remove());

function start(module: string, options: WatchedOptions = {}) {
  return watch(pathToFileURL(path.join(project.directory, "page", module)), {
    pool: { maxThreads: 1, ...options.pool },
  });
}

describe("a task past its timeout", () => {
  it("that looks in its loop stops by itself, and keeps its thread", async () => {
    const { offloader, recorded } = start("workers/tasks.js");
    expect(await offloader.run("countPrimes", { below: 100 })).toBe(25);
    const error = await rejection(offloader.run("countPrimes", { below: 1e12 }, { timeout: 50 }));
    expect(error).toMatchObject({ code: "AR_TIMEOUT" });
    expect(await offloader.run("countPrimes", { below: 100 })).toBe(25);
    expect(recorded.filter(({ event }) => event === "threadEnded")).toEqual([]);
  });

  it("that hands its signal on has what it waits for stop", async () => {
    const { offloader, recorded } = start("workers/tasks.js");
    const server = createServer((req, res) => {
      if (req.url === "/quick") res.end("<title>Quick</title>");
    });
    const url = `http://127.0.0.1:${await listen(server)}`;
    expect(await offloader.run("fetchTitle", { url: `${url}/quick` })).toBe("Quick");
    const error = await rejection(offloader.run("fetchTitle", { url }, { timeout: 50 }));
    expect(error).toMatchObject({ code: "AR_TIMEOUT" });
    expect(recorded.filter(({ event }) => event === "threadEnded")).toEqual([]);
  });

  it("that never looks loses its thread after the grace, and the next task has another", async () => {
    const watched = start("workers/tasks.js", { pool: { abortGrace: 50 } });
    const { offloader } = watched;
    const spun = rejection(offloader.run("spin", undefined, { timeout: 50 }));
    const next = offloader.run("countPrimes", { below: 100 });
    expect(await spun).toMatchObject({ code: "AR_TIMEOUT" });
    expect(await watched.event("threadEnded")).toMatchObject({ reason: expect.stringContaining("abortGrace") });
    expect(await next).toBe(25);
  });
});

it("a hook of onTeardown closes the connection of its thread", async () => {
  const { offloader } = start("workers/database.js");
  const written = vi.spyOn(process.stdout, "write");
  onTestFinished(() => written.mockRestore());
  const lines = () => written.mock.calls.map(([chunk]) => String(chunk)).filter((line) => line === "closed\n");
  expect(await offloader.run("store", { sql: "select 1" })).toBe("select 1");
  expect(lines()).toHaveLength(0);
  await offloader.close();
  expect(lines()).toHaveLength(1);
});

describe("pausing", () => {
  it("one name holds up no other, and resume() does not undo it", async () => {
    const { offloader } = start("workers/tasks.js");
    offloader.pause("fetchTitle");
    const paused = offloader.offload("fetchTitle", { url: "data:text/html,<title>Quick</title>" });
    expect(await offloader.run("countPrimes", { below: 100 })).toBe(25);
    offloader.resume();
    expect(await offloader.run("countPrimes", { below: 100 })).toBe(25);
    expect(paused.state).toBe("queued");
    offloader.resume("fetchTitle");
    expect(await paused.result()).toBe("Quick");
  });

  it("everything accepts dispatches all the same, and a drain lifts it", async () => {
    const { offloader } = start("workers/tasks.js");
    offloader.pause();
    const paused = offloader.offload("countPrimes", { below: 100 });
    await offloader.ready();
    expect(paused.state).toBe("queued");
    expect(await offloader.drain()).toEqual({ drained: true, unfinished: [] });
    expect(paused.state).toBe("succeeded");
  });
});
