// Requests that began before the first offloader was created, as in frameworks that load a route at its first request. Each test
// has a copy of the library of its own, which has not tracked anything.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setImmediate as immediate } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { connect, listen } from "../support/http.js";
import { Arrivals } from "./observe.js";

async function freshCopy(): Promise<typeof import("../../src/response/current.js")> {
  vi.resetModules();
  // What it would share with the copies before it.
  for (const name of ["tracking/1", "current/1"]) {
    Reflect.deleteProperty(globalThis, Symbol.for(`offload-after-response.${name}`));
  }
  return import("../../src/response/current.js");
}

async function serve(handler: (req: IncomingMessage, res: ServerResponse) => void): Promise<number> {
  return listen(createServer(handler));
}

describe("a request in whose handler the tracking begins", () => {
  it("is known from there on: after awaits, in timers, in the events of a body", async () => {
    const copy = await freshCopy();
    const seen = new Arrivals<[string, boolean]>();
    const port = await serve(async (req, res) => {
      const mark = (place: string): void => seen.push([place, copy.currentResponse() === res]);
      copy.trackCurrentResponse();
      mark("at once");
      req.on("data", () => mark("data"));
      await immediate();
      mark("after an await");
      setTimeout(() => mark("in a timer"), 1);
    });
    const client = await connect(port);
    client.request("POST", "/", { "Content-Length": "1" });
    expect([await seen.next(), await seen.next(), await seen.next()]).toEqual([
      ["at once", true],
      ["after an await", true],
      ["in a timer", true],
    ]);
    client.socket.write("x");
    expect(await seen.next()).toEqual(["data", true]);
  });

  it("is not taken for the next one of its connection, nor for the work outside of requests", async () => {
    const copy = await freshCopy();
    const seen = new Arrivals<boolean>();
    const outside = new Set<unknown>();
    const timer = setInterval(() => outside.add(copy.currentResponse()), 1);
    const port = await serve(async (_req, res) => {
      copy.trackCurrentResponse();
      await immediate();
      seen.push(copy.currentResponse() === res);
      res.end("answered");
    });
    const client = await connect(port);
    for (let request = 0; request < 3; request++) {
      client.request("GET", "/");
      expect(await seen.next()).toBe(true);
      await client.waitFor(/answered/);
    }
    clearInterval(timer);
    expect([...outside]).toEqual([undefined]);
  });

  it("is none where an earlier request of the connection is still being answered", async () => {
    const copy = await freshCopy();
    const seen = new Arrivals<unknown>();
    let requests = 0;
    const port = await serve((_req, res) => {
      if (++requests === 1) return;
      copy.trackCurrentResponse();
      seen.push(copy.currentResponse());
      res.end();
    });
    const client = await connect(port);
    client.request("GET", "/1");
    client.request("GET", "/2");
    expect(await seen.next()).toBe(undefined);
  });
});

describe("a request in which the tracking begins after an await", () => {
  async function late(answer: (res: ServerResponse) => void): Promise<{ during: string; after: () => string }> {
    const copy = await freshCopy();
    const seen = new Arrivals<string>();
    const port = await serve(async (_req, res) => {
      await immediate();
      copy.trackCurrentResponse();
      answer(res);
      seen.push(copy.currentResponse() === undefined ? copy.noResponseError("offloadAfterResponse").message : "known");
      if (!res.writableEnded) res.end();
    });
    await (await fetch(`http://127.0.0.1:${port}`)).text();
    return { during: await seen.next(), after: () => copy.noResponseError("offloadAfterResponse").message };
  }

  it.each([
    ["before it is answered", () => {}],
    ["once it is answered", (res: ServerResponse) => void res.end("answered")],
  ])("is not known %s, and the error names the cause and what to do", async (_, answer) => {
    const { during } = await late(answer);
    expect(during).toContain("createOffloader() was first called after one open request had begun");
    expect(during).toContain("instrumentation.ts (Next.js)");
    expect(during).toContain("init of hooks.server.ts (SvelteKit)");
  });

  it("is no cause any more when it is over", async () => {
    const { after } = await late(() => {});
    await vi.waitFor(() => expect(after()).not.toContain("createOffloader()"));
  });
});

it("the error names no late start where there was none", async () => {
  const copy = await freshCopy();
  copy.trackCurrentResponse();
  expect(copy.noResponseError("runAfterResponse").message).not.toContain("createOffloader()");
});
