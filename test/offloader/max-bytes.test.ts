// queue.maxBytes: what the payloads of unfinished tasks may hold together, and when their bytes are given back.
import { describe, expect, it, vi } from "vitest";
import { memoryLimit } from "../../src/intake/memory.js";
import { makeDirectory } from "../support/directory.js";
import { Gate } from "../support/gate.js";
import { afterThisTest } from "../support/http.js";
import { handedOver, rejection, thrownBy, type WatchedOptions, watch } from "../support/offloader.js";
import { makeResponse } from "../support/responses.js";

/** Text of so many bytes, as a payload. */
const text = (bytes: number): string => "x".repeat(bytes);

/** An offloader that starts nothing and holds 1,000 bytes at the most. */
function paused(options: WatchedOptions = {}) {
  const watched = watch("tasks.mjs", { pool: { maxThreads: 1 }, queue: { maxBytes: 1_000 }, ...options });
  watched.offloader.pause();
  return watched;
}

describe("a payload for which there is no room", () => {
  it("is refused with a status of 503, and one that fits is accepted", () => {
    const { offloader } = paused();
    offloader.offload("echo", text(600));
    const refusal = thrownBy(() => offloader.offload("echo", text(401)));
    expect(refusal).toMatchObject({ code: "AR_QUEUE_FULL", statusCode: 503, headers: { "Retry-After": "1" } });
    expect(refusal.message).toContain("queue.maxBytes (1000) has no room for a payload of 401 bytes");
    offloader.offload("echo", text(400));
    expect(offloader.stats()).toMatchObject({ bytes: 1_000, maxBytes: 1_000, unfinished: 2 });
  });

  it("is refused with a status of 503 when the process gets no memory for it, and nothing is left of it", () => {
    const { offloader } = paused({ queue: { maxBytes: 10_000_000 } });
    const upload = new Uint8Array(9_000_000);
    vi.stubGlobal("SharedArrayBuffer", function none() {
      throw new RangeError("Array buffer allocation failed");
    });
    afterThisTest(() => vi.unstubAllGlobals());
    const refusal = thrownBy(() => offloader.offload("echo", upload));
    expect(refusal).toMatchObject({ code: "AR_QUEUE_FULL", statusCode: 503, headers: { "Retry-After": "1" } });
    expect(refusal.message).toBe(
      "the process gets no memory for the payload of echo; lower queue.maxBytes, or give the process more memory",
    );
    expect(refusal.cause).toBeInstanceOf(RangeError);
    vi.unstubAllGlobals();
    expect(offloader.stats()).toMatchObject({ bytes: 0, unfinished: 0 });
    offloader.offload("echo", upload);
  });

  it("throws what a getter of it throws, also an error that is its own cause", () => {
    const { offloader } = paused();
    const circular = new Error("of the user's");
    circular.cause = circular;
    const payload = {
      get row(): never {
        throw circular;
      },
    };
    expect(() => offloader.offload("echo", payload)).toThrow("of the user's");
  });

  it("is refused by every call that dispatches a task", async () => {
    const { offloader } = paused();
    const { response } = makeResponse();
    offloader.offload("echo", text(1_000));
    const big = text(1_000);
    expect(thrownBy(() => offloader.offloadAfterResponse(response, "echo", big)).code).toBe("AR_QUEUE_FULL");
    expect(await rejection(offloader.run("echo", big))).toMatchObject({ code: "AR_QUEUE_FULL" });
    // A callback holds no payload.
    offloader.runAfterResponse(response, () => {});
    expect(offloader.stats()).toMatchObject({ bytes: 1_000, unfinished: 2 });
  });

  it("is refused though nothing is unfinished when it is larger than all", () => {
    const { offloader } = paused();
    const refusal = thrownBy(() => offloader.offload("echo", new Uint8Array(100_000)));
    expect(refusal).toMatchObject({ code: "AR_PAYLOAD_TOO_LARGE", statusCode: 413 });
    expect(refusal.headers).toBeUndefined();
    expect(refusal.message).toMatch(
      /^the payload and its context hold 100\d{3} bytes, more than queue\.maxBytes \(1000\) /,
    );
    expect(offloader.stats()).toMatchObject({ bytes: 0, unfinished: 0 });
  });

  it("is found out before the process is full of uploads", () => {
    const maxBytes = 20_000_000;
    const { offloader } = paused({ queue: { maxBytes } });
    const upload = { name: "a photo", body: Buffer.alloc(5_000_000) };
    let accepted = 0;
    const refusal = thrownBy(() => {
      for (; accepted < 10; accepted++) offloader.offload("nothing", upload);
    });
    expect([accepted, refusal.code]).toEqual([3, "AR_QUEUE_FULL"]);
    expect(offloader.stats().bytes).toBeLessThanOrEqual(maxBytes);
    expect(offloader.stats().bytes).toBeGreaterThan(15_000_000);
  });
});

describe("the bytes of a task", () => {
  it("count while it is held, queued, running and delayed", async () => {
    const watched = watch("tasks.mjs", { pool: { maxThreads: 1 }, queue: { maxBytes: 1_000 } });
    const { offloader } = watched;
    const { response, over } = makeResponse();
    const full = (): boolean => thrownBy(() => offloader.offload("echo", text(500))).code === "AR_QUEUE_FULL";
    offloader.pause();
    const handle = offloader.offloadAfterResponse(
      response,
      "fails",
      { message: text(600) },
      { attempts: 2, backoff: 60_000 },
    );
    expect([handle.state, full()]).toEqual(["held", true]);
    over();
    await watched.event("queued");
    expect([handle.state, full()]).toEqual(["queued", true]);
    let whileRunning: boolean | undefined;
    offloader.on("started", () => {
      whileRunning = full();
    });
    offloader.resume();
    await watched.event("retrying");
    expect(whileRunning).toBe(true);
    expect([handle.state, full()]).toEqual(["delayed", true]);
    handle.cancel();
    expect(offloader.stats().bytes).toBe(0);
    offloader.offload("echo", text(500));
  });

  it("are given back at every kind of end", async () => {
    const watched = watch("stopping.mjs", { pool: { maxThreads: 1, abortGrace: 50 } });
    const { offloader } = watched;
    const { response, over } = makeResponse();
    const gate = new Gate();
    const payload = { body: new Uint8Array(200_000) };
    offloader.offloadAfterResponse(response, "nothing", payload, { runIf: "sent" });
    const cancelled = offloader.offload("nothing", payload);
    offloader.offload("unknown", payload);
    offloader.offload("nothing", payload);
    const timedOut = offloader.offload("deaf", { gate: gate.memory, ...payload }, { timeout: 1 });
    expect(offloader.stats().bytes).toBeGreaterThanOrEqual(5 * 200_000);
    cancelled.cancel();
    over();
    await rejection(timedOut.result());
    await offloader.idle();
    expect(offloader.stats()).toMatchObject({ bytes: 0, succeeded: 1, failed: 2, cancelled: 1, skipped: 1 });
    const abandoned = offloader.offload("deaf", { gate: gate.memory, ...payload });
    await watched.event("started", ({ id }) => id === abandoned.id);
    await offloader.close({ timeout: 0 });
    expect(offloader.stats()).toMatchObject({ bytes: 0, abandoned: 1 });
  });

  it("do not count when the call is refused for another reason", () => {
    const { offloader } = paused({ queue: { max: 1, maxBytes: 1_000 } });
    const unsendable: unknown = { text: text(500), bad() {} };
    expect(thrownBy(() => offloader.offload("echo", unsendable)).code).toBe("AR_PAYLOAD_NOT_CLONEABLE");
    expect(offloader.stats().bytes).toBe(0);
    offloader.offload("echo", text(10));
    expect(thrownBy(() => offloader.offload("echo", text(500))).message).toContain("queue.max (1)");
    expect(offloader.stats().bytes).toBe(10);
  });

  it("are those of the later one where it takes the place of another", () => {
    const { offloader } = paused();
    const first = offloader.offload("echo", text(900), { key: "k" });
    const again = offloader.offload("echo", text(900), { key: "k" });
    expect([again.id, offloader.stats().bytes]).toEqual([first.id, 900]);
    const replace = { key: "k", onDuplicate: "replace" } as const;
    expect(thrownBy(() => offloader.offload("echo", text(1_001), replace)).code).toBe("AR_PAYLOAD_TOO_LARGE");
    expect([first.state, offloader.stats().bytes]).toEqual(["queued", 900]);
    const second = offloader.offload("echo", text(1_000), replace);
    expect([first.state, second.state, offloader.stats().bytes]).toEqual(["cancelled", "queued", 1_000]);
  });

  it("of a getter's dispatches count before those of the payload that has the getter", () => {
    const { offloader } = paused();
    const payload = {
      get text(): string {
        offloader.offload("echo", text(600));
        return text(600);
      },
    };
    expect(thrownBy(() => offloader.offload("echo", payload)).code).toBe("AR_QUEUE_FULL");
    expect(offloader.stats()).toMatchObject({ bytes: 600, unfinished: 1 });
  });
});

describe("what moves", () => {
  it.each([false, true])(
    "counts with what is copied beside it, and stays with the caller when refused (journal: %s)",
    async (journaled) => {
      const journal = journaled ? { journal: { dir: makeDirectory() } } : {};
      const { offloader } = paused({ queue: { maxBytes: 100_000 }, ...journal });
      const [first, second] = [new ArrayBuffer(60_000), new ArrayBuffer(60_000)];
      offloader.offload("echo", { first, beside: new Uint8Array(30_000) }, { transfer: [first] });
      expect(first.byteLength).toBe(0);
      const { bytes } = offloader.stats();
      expect(bytes).toBeGreaterThanOrEqual(90_000);
      expect(bytes).toBeLessThan(91_000);
      const refusal = thrownBy(() => offloader.offload("echo", { second }, { transfer: [second] }));
      expect([refusal.code, second.byteLength]).toEqual(["AR_QUEUE_FULL", 60_000]);
      offloader.resume();
      await offloader.idle();
      await handedOver();
      expect(offloader.stats().bytes).toBe(0);
    },
  );
});

describe("without the option", () => {
  it("a quarter of the memory that the process may use is the limit", () => {
    const { offloader } = watch("tasks.mjs");
    expect(offloader.stats().maxBytes).toBe(Math.floor(memoryLimit() / 4));
  });

  it("Infinity is no limit", () => {
    const { offloader } = paused({ queue: { maxBytes: Number.POSITIVE_INFINITY } });
    offloader.offload("echo", text(10_000));
    expect(offloader.stats()).toMatchObject({ bytes: 10_000, maxBytes: Number.POSITIVE_INFINITY });
  });
});

describe("what counts besides the payload that is copied", () => {
  it("what moves and what is copied beside it, together, and nothing has moved when they are refused", () => {
    const { offloader } = paused({ queue: { maxBytes: 100_000 } });
    const buffer = new ArrayBuffer(1_000);
    const payload = { buffer, beside: new Uint8Array(200_000) };
    expect(thrownBy(() => offloader.offload("echo", payload, { transfer: [buffer] })).code).toBe(
      "AR_PAYLOAD_TOO_LARGE",
    );
    expect(buffer.byteLength).toBe(1_000);
    expect(offloader.stats()).toMatchObject({ bytes: 0, unfinished: 0 });
  });

  it("a context that is more than a flat object", () => {
    const { offloader } = paused({ queue: { maxBytes: 10_000 }, context: () => ({ body: new Uint8Array(6_000) }) });
    offloader.offload("echo");
    expect(thrownBy(() => offloader.offload("echo")).code).toBe("AR_QUEUE_FULL");
    expect(offloader.stats().unfinished).toBe(1);
  });
});
