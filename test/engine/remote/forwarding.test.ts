// What a dispatch releases goes to the queue elsewhere, and stays here where it must.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { MessageChannel } from "node:worker_threads";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { rejection, thrownBy } from "../../support/offloader.js";
import { until } from "../../support/until.js";
import { Cluster } from "./engines.js";

let cluster: Cluster;

beforeEach(async () => {
  cluster = await Cluster.start();
});

describe("a released task", () => {
  it("ends here as forwarded, and the broker has it under its id", async () => {
    const web = cluster.web({ context: () => ({ request: 7 }) });
    const handle = web.offloader.offload(
      "echo",
      { deep: [1, { text: "ü" }] },
      { attempts: 3, priority: "high", key: "k" },
    );
    const result = rejection(handle.result());
    expect(handle.state).toBe("queued");
    await web.event("forwarded");
    expect(handle.state).toBe("forwarded");
    expect(await result).toMatchObject({ code: "AR_RUN_ELSEWHERE" });
    expect(web.story(handle.id)).toEqual(["accepted", "queued", "forwarded"]);
    expect(cluster.tasks).toMatchObject([
      {
        id: handle.id,
        name: "echo",
        priority: 1,
        attempts: 3,
        key: "k",
        body: { v: 1, enc: "json", payload: { deep: [1, { text: "ü" }] }, context: { request: 7 } },
      },
    ]);
  });

  it("waits for its response, and for runIf, here", async () => {
    const web = cluster.web();
    const server = createServer((_request, response) => {
      web.offloader.offloadAfterResponse(response, "echo", 1);
      web.offloader.offloadAfterResponse(response, "echo", 2, { runIf: () => false });
      response.end("done");
    });
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)).text();
    const [forwarded, skipped] = [await web.event("forwarded"), await web.event("skipped")];
    expect(cluster.tasks.map(({ id }) => id)).toEqual([forwarded.id]);
    expect(skipped.id).not.toBe(forwarded.id);
  });

  it.each<[string, unknown]>([
    ["undefined", undefined],
    ["a Map", new Map([["a", new Date(0)]])],
    ["bytes", Buffer.from([0, 1, 255])],
    ["what JSON would change", { minusZero: -0, missing: undefined }],
    ["what a database may refuse", { nul: "\0", lone: "\ud800" }],
    ["a large one", { text: "x".repeat(100_000) }],
  ])("brings %s to a worker", async (_what, payload) => {
    const web = cluster.web();
    const worker = cluster.worker();
    const { id } = web.offloader.offload("reports", payload);
    expect((await worker.event("progress")).value).toEqual(payload);
    expect(await worker.event("succeeded")).toMatchObject({ id, attempt: 1 });
  });

  it("has a number for each priority", async () => {
    const web = cluster.web();
    for (const priority of ["low", "normal", "high"] as const) web.offloader.offload("echo", priority, { priority });
    await web.events("forwarded", 3);
    const found = cluster.tasks.map(({ body, priority }) => [Reflect.get(body, "payload"), priority]);
    expect(Object.fromEntries(found)).toEqual({ high: 1, normal: 2, low: 3 });
  });

  it("with the key of one that the broker has is dropped, because that one does the work", async () => {
    const [one, two] = [cluster.web(), cluster.web()];
    const first = one.offloader.offload("echo", 1, { key: "k" });
    await one.event("forwarded");
    const second = two.offloader.offload("echo", 2, { key: "k" });
    await two.event("forwarded");
    expect(second.id).not.toBe(first.id);
    expect(cluster.tasks.map(({ id }) => id)).toEqual([first.id]);
  });

  it("is counted with the state of the engine", async () => {
    const web = cluster.web();
    web.offloader.offload("echo", 1);
    await web.event("forwarded");
    await until(() => web.offloader.stats().engine?.waiting === 1, "the counts of the broker");
    expect(web.offloader.stats()).toMatchObject({
      forwarded: 1,
      unfinished: 0,
      engine: { name: "fake", up: true, error: undefined, backlog: 0, waiting: 1, delayed: 0, running: 0, failed: 0 },
    });
  });
});

describe("what stays in this process", () => {
  it("is a task whose result is awaited, one whose buffers move, one whose policy says so, and a callback", async () => {
    const web = cluster.web({ policies: { fails: { engine: false }, reports: { engine: false } } });
    const { offloader } = web;
    const buffer = new ArrayBuffer(8);
    expect(await offloader.run("echo", { a: 1 })).toEqual({ a: 1 });
    expect(await offloader.offload("echo", buffer, { transfer: [buffer] }).result()).toEqual(new ArrayBuffer(8));
    expect(await offloader.offload("reports", 1).result()).toBeUndefined();
    await offloader.idle();
    expect(offloader.stats()).toMatchObject({ succeeded: 3, forwarded: 0 });
    expect(cluster.broker.submissions).toEqual([]);
  });

  it("may be what could not travel, without a journal", async () => {
    const web = cluster.web({ journal: undefined, policies: { echo: { engine: false } } });
    const shared = new SharedArrayBuffer(4);
    expect(await web.offloader.offload("echo", { shared }).result()).toEqual({ shared });
  });
});

describe.each([
  ["with a journal", {}],
  ["without a journal", { journal: undefined }],
])("a dispatch is refused at the call %s", (_title, options) => {
  it.each<[string, () => unknown]>([
    ["shared memory", () => ({ deep: new SharedArrayBuffer(4) })],
    ["a port", () => ({ port: new MessageChannel().port1 })],
  ])("if the payload has %s", (_what, payload) => {
    const web = cluster.web(options);
    const error = thrownBy(() => web.offloader.offload("echo", payload()));
    expect(error.code).toBe("AR_PAYLOAD_NOT_CLONEABLE");
    expect(web.offloader.stats().unfinished).toBe(0);
  });

  it("if it is larger than the queue takes", async () => {
    const web = cluster.web(options);
    const error = thrownBy(() => web.offloader.offload("echo", { text: "x".repeat(256 * 1024) }));
    expect(error).toMatchObject({ code: "AR_PAYLOAD_TOO_LARGE", statusCode: 413 });
    expect(error.message).toContain("engine");
    // As base64, bytes take a third more.
    expect(thrownBy(() => web.offloader.offload("echo", Buffer.alloc(200_000, 1))).code).toBe("AR_PAYLOAD_TOO_LARGE");
    expect(await web.offloader.run("echo", { text: "x".repeat(256 * 1024) })).toBeDefined();
  });

  it("if it is to replace another", () => {
    const web = cluster.web(options);
    const error = thrownBy(() => web.offloader.offload("echo", 1, { key: "k", onDuplicate: "replace" }));
    expect(error).toMatchObject({ code: "AR_INVALID_OPTIONS" });
    expect(error.message).toContain("onDuplicate");
  });
});
