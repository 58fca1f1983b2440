// A task is held until its response is over. What becomes of it when the response never ends.
import { createServer, IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { ResponseOutcome } from "offload-after-response";
import { describe, expect, it } from "vitest";
import { connect, listen } from "../support/http.js";
import { watch } from "../support/offloader.js";
import { makeResponse } from "../support/responses.js";

const unread = Buffer.alloc(16 * 1024 * 1024);

describe("a task whose response does not end within queue.maxHold", () => {
  it("runs, and the log has one line for all clients that never read", async () => {
    // Those that become due within a tenth of it share a line, and a busy machine takes a while over 30 dispatches.
    const watched = watch("tasks.mjs", { queue: { maxHold: 3_000 } });
    const waiting: ServerResponse[] = [];
    const server = createServer((_req, res) => {
      res.end(unread);
      if (waiting.push(res) < 30) return;
      for (const each of waiting) watched.offloader.offloadAfterResponse(each, "echo", 1);
    });
    const port = await listen(server);
    for (let client = 0; client < 30; client++) {
      const connection = await connect(port);
      connection.pause();
      connection.request("GET", "/");
    }
    const ended = await watched.events("succeeded", 30);
    const line = await watched.line(/no longer held/);
    expect(line.message).toContain("did not end within queue.maxHold (3000 ms)");
    expect(line).toMatchObject({ level: "warn", fields: { task: "echo", count: 30 } });
    expect(ended.map(({ id }) => id)).toEqual(expect.arrayContaining(line.fields.ids as string[]));
    expect(watched.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
    expect(watched.offloader.stats()).toMatchObject({ held: 0, unfinished: 0 });
    expect(waiting.every(({ writableFinished }) => !writableFinished)).toBe(true);
  });

  it("is skipped if its runIf wants a response that was sent", async () => {
    const watched = watch("tasks.mjs", { queue: { maxHold: 20 } });
    const { response } = makeResponse();
    const { id } = watched.offloader.offloadAfterResponse(response, "echo", 1, { runIf: "sent" });
    expect((await watched.event("skipped")).id).toBe(id);
  });

  it("is given the outcome as it stood, which a predicate and a callback see", async () => {
    const watched = watch("tasks.mjs", { queue: { maxHold: 20 } });
    const { response, over } = makeResponse();
    response.statusCode = 207;
    const seen: ResponseOutcome[] = [];
    const keep = (outcome: ResponseOutcome) => seen.push(outcome) > 0;
    watched.offloader.offloadAfterResponse(response, "echo", 1, { runIf: keep });
    watched.offloader.runAfterResponse(response, ({ outcome }) => keep(outcome));
    await watched.events("succeeded", 2);
    const error = expect.objectContaining({ message: expect.stringContaining("queue.maxHold") });
    const outcome = { kind: "aborted", statusCode: 207, headersSent: false, error };
    expect(seen).toEqual([expect.objectContaining(outcome), expect.objectContaining(outcome)]);
    // The end of the response, when it comes at last, means nothing any more.
    over();
    await watched.offloader.idle();
    expect(watched.recorded.filter(({ event }) => event === "succeeded")).toHaveLength(2);
  });

  it("is what it was if it was cancelled, and those behind it go on", async () => {
    const watched = watch("tasks.mjs", { queue: { maxHold: 30 } });
    const { response } = makeResponse();
    const first = watched.offloader.offloadAfterResponse(response, "echo", 1);
    const second = watched.offloader.offloadAfterResponse(response, "echo", 2);
    first.cancel();
    expect((await watched.event("succeeded")).id).toBe(second.id);
    expect(watched.ends(first.id)).toEqual(["cancelled"]);
    expect((await watched.line(/no longer held/)).fields).toMatchObject({ count: 1, ids: [second.id] });
  });
});

describe("a response that can never tell of its end", () => {
  const noConnection = () => new ServerResponse(new IncomingMessage(new Socket()));
  const keepsNoListeners = () => {
    const mock = { statusCode: 200, writableEnded: false, on: () => mock, writeHead: () => mock, end: () => mock };
    mock.end = () => Object.assign(mock, { writableEnded: true });
    return mock as unknown as ServerResponse;
  };

  it.each([
    ["a ServerResponse without a connection", noConnection],
    ["a mock that keeps no listeners", keepsNoListeners],
  ])("such as %s, holds its task for a second, and the log has its id", async (_, make) => {
    const watched = watch();
    const { id } = watched.offloader.offloadAfterResponse(make(), "echo", 1);
    await watched.event("succeeded");
    const line = await watched.line(/no longer held/);
    expect(line.message).toContain("can never tell of its end");
    expect(line).toMatchObject({ level: "warn", fields: { task: "echo", count: 1, ids: [id] } });
  });

  it.each([
    ["a ServerResponse without a connection", noConnection],
    ["a mock that keeps no listeners", keepsNoListeners],
  ])("such as %s, counts as completed once end() was called", async (_, make) => {
    const watched = watch();
    const [ended, open] = [make(), make()];
    const sent = watched.offloader.offloadAfterResponse(ended, "echo", 1, { runIf: "ok" });
    const unsent = watched.offloader.offloadAfterResponse(open, "echo", 2, { runIf: "ok" });
    ended.end("done");
    await watched.offloader.drain();
    expect([watched.ends(sent.id), watched.ends(unsent.id)]).toEqual([["succeeded"], ["skipped"]]);
  });

  it("holds up no drain", async () => {
    const watched = watch();
    const from = performance.now();
    watched.offloader.offloadAfterResponse(noConnection(), "echo", 1);
    const { abandoned } = await watched.offloader.close();
    // It was 22 s, and the task was abandoned.
    expect(performance.now() - from).toBeLessThan(10_000);
    expect(abandoned).toEqual([]);
    expect(watched.recorded.some(({ event }) => event === "succeeded")).toBe(true);
  });

  it("has its second again after a drain() that the process outlives", async () => {
    const watched = watch();
    await watched.offloader.drain();
    const response = noConnection();
    const { id } = watched.offloader.offloadAfterResponse(response, "echo", 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(watched.story(id)).toEqual(["accepted"]);
    response.emit("close");
    await watched.event("succeeded");
  });

  it("is waited for as usual if it is given a connection in time", async () => {
    const watched = watch();
    const response = noConnection();
    const { id } = watched.offloader.offloadAfterResponse(response, "echo", 1);
    response.assignSocket(new Socket());
    // The other one is given up after the same second.
    const other = watched.offloader.offloadAfterResponse(noConnection(), "echo", 2);
    await watched.event("succeeded", (recorded) => recorded.id === other.id);
    expect(watched.story(id)).toEqual(["accepted"]);
    response.emit("close");
    await watched.event("succeeded", (recorded) => recorded.id === id);
  });
});
