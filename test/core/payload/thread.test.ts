// Through a real thread: captured here, restored there, what arrived sent back as a result.
import { once } from "node:events";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { Worker } from "node:worker_threads";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { capture } from "../../../src/core/payload/capture.js";
import { isBytes } from "../../../src/core/payload/payload.js";
import { restore } from "../../../src/core/payload/restore.js";
import { fromWireForm, toWireForm, transferList } from "../../../src/core/payload/wire-form.js";
import { makeDirectory } from "../../support/directory.js";

const folder = path.join(import.meta.dirname, "../../../src/core/payload");

const program = `
  import { parentPort } from "node:worker_threads";
  import { captureForMoving } from "./capture.js";
  import { restore } from "./restore.js";
  import { fromWireForm, toWireForm, transferList } from "./wire-form.js";
  parentPort.on("message", (wire) => {
    const result = captureForMoving({ echo: restore(fromWireForm(wire)) }, "result");
    parentPort.postMessage(toWireForm(result), transferList(result));
  });
`;

let worker: Worker;

beforeAll(async () => {
  const outfile = path.join(makeDirectory(), "echo.mjs");
  const stdin = { contents: program, resolveDir: folder, loader: "js" } as const;
  await build({ stdin, outfile, bundle: true, platform: "node", format: "esm", target: "es2022" });
  worker = new Worker(pathToFileURL(outfile));
});

afterAll(() => worker.terminate());

describe("a payload through a thread", () => {
  it.each<[string, unknown]>([
    ["a primitive", "text"],
    ["a flat object", { id: 1, name: "n" }],
    ["nested objects", { list: [{ a: [1, { b: new Date(5) }] }], map: new Map([[{ k: 1 }, new Set([1])]]) }],
    ["many rows", Array.from({ length: 5_000 }, (_, id) => ({ id, name: `name ${id}`, address: { zip: `${id}` } }))],
    ["Buffers of all sizes", [1, 100, 65_535, 65_536, 1_000_000].map((size) => Buffer.alloc(size, size))],
    ["typed arrays", [new Float64Array([1.5]), new BigInt64Array([1n]), new Uint16Array(60_000).fill(7)]],
    ["ArrayBuffers", [new ArrayBuffer(3), new Uint8Array(200_000).fill(9).buffer]],
    [
      "errors",
      { failure: Object.assign(new RangeError("m", { cause: { a: 1 } }), { code: "E", body: Buffer.from("b") }) },
    ],
    ["URLs", { url: new URL("https://example.com/?a=1"), query: new URLSearchParams("b=2") }],
  ])("arrives there and comes back: %s", async (_, value) => {
    const captured = capture(value);
    worker.postMessage(toWireForm(captured), transferList(captured) as ArrayBuffer[]);
    const [wire] = await once(worker, "message");
    if (isBytes(captured)) captured.release();
    // Compared by Node.js, which takes a buffer as a whole.
    expect(isDeepStrictEqual(restore(fromWireForm(wire)), { echo: value })).toBe(true);
  });

  it("carries a Blob and a File", async () => {
    worker.postMessage(toWireForm(capture({ blob: new Blob(["x"]), file: new File(["y"], "y.txt") })));
    const [wire] = await once(worker, "message");
    const { echo } = restore(fromWireForm(wire)) as { echo: { blob: Blob; file: File } };
    expect([await echo.blob.text(), await echo.file.text(), echo.file.name]).toEqual(["x", "y", "y.txt"]);
  });

  it("moves a buffer there for its only attempt, and a copy comes back", async () => {
    const buffer = new Uint8Array(100_000).fill(3).buffer;
    const captured = capture({ part: new Uint8Array(buffer, 10, 5) }, "payload", { transfer: [buffer] });
    expect(buffer.byteLength).toBe(0);
    worker.postMessage(toWireForm(captured), transferList(captured) as ArrayBuffer[]);
    const [wire] = await once(worker, "message");
    expect(restore(fromWireForm(wire))).toEqual({ echo: { part: new Uint8Array(5).fill(3) } });
  });

  it("writes into memory that is shared", async () => {
    const shared = new Int32Array(new SharedArrayBuffer(8));
    worker.postMessage(toWireForm(capture({ shared })));
    const [wire] = await once(worker, "message");
    const { echo } = restore(fromWireForm(wire)) as { echo: { shared: Int32Array } };
    Atomics.store(echo.shared, 0, 42);
    expect(shared[0]).toBe(42);
  });
});
