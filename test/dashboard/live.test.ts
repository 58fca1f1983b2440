// What open pages cost and when they end: one message a second for all of them, nothing for nobody, never a longer shutdown.
import { once } from "node:events";
import http, { type RequestListener, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import type { Offloader } from "offload-after-response";
import { dashboard } from "offload-after-response/dashboard";
import { describe, expect, it } from "vitest";
import { eventText, Streams } from "../../src/dashboard/http/streams.js";
import { afterThisTest, connect, listen } from "../support/http.js";
import { watch } from "../support/offloader.js";
import { startProgram } from "../support/process.js";
import { clientOf, mounted, Reader, serve } from "./mounted.js";

describe("the files of the page", () => {
  it("are at most 24 KiB, and 9 KiB compressed", async () => {
    const { get } = await mounted();
    const files = await Promise.all(["", "app.js", "app.css"].map(async (name) => (await get(name)).text));
    const sum = (sizes: number[]): number => sizes.reduce((total, size) => total + size, 0);
    expect(sum(files.map((text) => Buffer.byteLength(text)))).toBeLessThanOrEqual(24 * 1024);
    expect(sum(files.map((text) => gzipSync(text, { level: 9 }).length))).toBeLessThanOrEqual(9 * 1024);
  });
});

describe("an open page", () => {
  /** The offloader, with its calls counted. */
  function counted(offloader: Offloader): { readonly offloader: Offloader; readonly calls: Record<string, number> } {
    const calls: Record<string, number> = { stats: 0, threads: 0, tasks: 0, snapshot: 0 };
    const spied = Object.create(offloader);
    for (const name of Object.keys(calls)) {
      Object.defineProperty(spied, name, {
        value: (...args: unknown[]) => {
          calls[name] = (calls[name] ?? 0) + 1;
          return Reflect.apply(Reflect.get(offloader, name), offloader, args);
        },
      });
    }
    return { offloader: spied, calls };
  }

  it("is told once a second, by work that does not depend on how many are open, and nothing is done for nobody", async () => {
    const { offloader } = watch("tasks.mjs", { pool: { maxThreads: 1 } });
    const spied = counted(offloader);
    const port = await serve(dashboard(spied.offloader, { access: () => "full" }) as RequestListener);
    await offloader.run("add", { a: 1, b: 2 });
    await sleep(1_200);
    expect(spied.calls).toEqual({ stats: 0, threads: 0, tasks: 0, snapshot: 0 });

    const readers = await Promise.all(Array.from({ length: 8 }, () => Reader.open(port)));
    const before = { ...spied.calls };
    const [first] = readers;
    const told = (): number => first?.events.filter(({ event }) => event === "state").length ?? 0;
    const start = told();
    await first?.event("state", () => told() >= start + 2);
    const messages = told() - start;
    expect((spied.calls.stats ?? 0) - (before.stats ?? 0)).toBeLessThanOrEqual(messages + 1);
    expect((spied.calls.threads ?? 0) - (before.threads ?? 0)).toBeLessThanOrEqual(messages + 1);
    expect(spied.calls.tasks).toBe(0);

    for (const reader of readers) reader.close();
    await Promise.all(readers.map(({ closed }) => closed));
    // The server hears of the end in a turn of its own.
    await clientOf(port).get("task?id=none-1");
    const after = { ...spied.calls };
    await sleep(1_200);
    expect(spied.calls).toEqual(after);
  });

  it("costs a walk only over what it lists: with 10,000 that wait, a message is made of a few hundred values", async () => {
    const { offloader } = watch("tasks.mjs", { pool: { minThreads: 0 }, queue: { max: 20_000 } });
    offloader.pause();
    for (let n = 0; n < 10_000; n++) offloader.offload(n % 2 ? "add" : "echo", { n });
    const port = await serve(dashboard(offloader, { access: () => "full" }) as RequestListener);
    const reader = await Reader.open(port);
    const state = await reader.event("state");
    expect(state.counts).toMatchObject({ queued: 10_000 });
    expect(state.waiting).toHaveLength(12);
    expect(JSON.stringify(state).length).toBeLessThan(3_000);
    reader.close();
  });

  it("begins with the samples that were taken before it", async () => {
    const { port } = await mounted();
    const reader = await Reader.open(port);
    const { samples, pid } = await reader.event("hello");
    expect(samples).toEqual([[expect.any(Number), 0, 0, 0]]);
    expect(pid).toBe(process.pid);
    reader.close();
  });

  it("is dropped when it is 1 MB behind, and no other is", async () => {
    const streams = new Streams(() => {});
    const responses: ServerResponse[] = [];
    const port = await listen(
      http.createServer((_req, res) => {
        responses.push(res);
        streams.add(res, eventText("hello", {}));
      }),
    );
    const slow = await connect(port);
    slow.request("GET", "/events");
    await slow.waitFor(/hello/);
    slow.pause();
    const text = eventText("state", "x".repeat(100_000));
    // What the kernel takes does not count.
    for (let n = 0; n < 2_000 && streams.size > 0; n++) {
      streams.send(text);
      await sleep(0);
    }
    expect(streams.size).toBe(0);
    expect(responses[0]?.destroyed).toBe(true);
    expect(streams.hasRoom).toBe(true);
  });

  it("that has gone while its access was looked at is not kept", async () => {
    const { offloader } = watch();
    const spied = counted(offloader);
    let decide: (access: "full") => void = () => {};
    const asked = new Promise<void>((resolve) => {
      const access = (): Promise<"full"> => {
        resolve();
        return new Promise((grant) => {
          decide = grant;
        });
      };
      void serve(dashboard(spied.offloader, { access }) as RequestListener).then(async (port) => {
        const client = await connect(port);
        client.request("GET", "/events");
        await asked;
        await client.reset();
        decide("full");
      });
    });
    await asked;
    await sleep(1_300);
    const after = { ...spied.calls };
    await sleep(1_200);
    expect(spied.calls).toEqual(after);
  });

  it("is closed with the offloader", async () => {
    const { offloader, port, get } = await mounted();
    const reader = await Reader.open(port);
    await offloader.close();
    const { drain } = await reader.event("state", ({ drain }) => drain !== null);
    expect(drain).toMatchObject({ reason: "close()", leftMs: expect.any(Number), unfinished: 0 });
    await reader.event("bye");
    await reader.closed;
    expect((await get("events")).status).toBe(503);
    expect((await get("")).status).toBe(200);
  });

  it("is closed by the option signal", async () => {
    const controller = new AbortController();
    const { port } = await mounted({ access: () => "full", signal: controller.signal });
    const reader = await Reader.open(port);
    controller.abort();
    await reader.closed;
  });

  it("shows the drain of offloader.drain() and goes on after it, because the process goes on", async () => {
    const { offloader, port } = await mounted();
    const reader = await Reader.open(port);
    await offloader.drain();
    expect((await reader.event("state", ({ drain }) => drain !== null)).drain).toMatchObject({ reason: "drain()" });
    offloader.offload("add", { a: 1, b: 2 });
    expect(await reader.event("state", ({ ended }) => ended === 1)).toMatchObject({ drain: null });
    reader.close();
  });

  it("sees a shutdown to its last task, and does not make it longer", async () => {
    const program = await startProgram("scripts/picture/shop.ts", { args: ["2", "0", "6"] });
    const { port } = program;
    // The page of the shop is at its root.
    const request = http.get({ host: "127.0.0.1", port, path: "/events", agent: false });
    afterThisTest(() => request.destroy());
    const [response] = await once(request, "response");
    let text = "";
    response.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    const ended = once(response, "end");
    program.kill("SIGTERM");
    await ended;
    const states = [...text.matchAll(/^event: state\ndata: (.+)$/gm)].map(([, data = ""]) => JSON.parse(data));
    const drains = states.map(({ drain }) => drain).filter((drain) => drain !== null);
    expect(drains.length).toBeGreaterThan(1);
    expect(drains[0]).toMatchObject({ reason: "SIGTERM", requests: 0, leftMs: expect.any(Number) });
    expect(drains[0].tasks.length).toBeGreaterThan(0);
    expect(drains.at(-1)).toMatchObject({ unfinished: 0, tasks: [] });
    expect(text.includes("event: bye\n")).toBe(true);
    const { code, stderr } = await program.exited;
    expect([code, stderr]).toEqual([0, ""]);
  });
});
