// transfer: buffers that move to the thread.
import { MessageChannel } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { Gate } from "../support/gate.js";
import { handedOver, rejection, thrownBy, watch } from "../support/offloader.js";

const options = { pool: { maxThreads: 1 } };

function bytes(...values: number[]): ArrayBuffer {
  return new Uint8Array(values).buffer;
}

describe("a buffer in transfer", () => {
  it("is detached at the call, and arrives with its content", async () => {
    const { offloader } = watch("tasks.mjs", options);
    const buffer = bytes(1, 2, 3);
    const result = offloader.run("sumOf", buffer, { transfer: [buffer] });
    expect(buffer.byteLength).toBe(0);
    expect(await result).toBe(6);
  });

  it("arrives within a larger payload, as a view and as itself", async () => {
    const { offloader } = watch("tasks.mjs", options);
    const [moved, copied] = [bytes(1, 2, 3), bytes(4)];
    const payload = { view: new Uint8Array(moved, 1, 2), moved, copied, text: "beside" };
    const result = offloader.run("echo", payload, { transfer: [moved] });
    expect([moved.byteLength, copied.byteLength]).toEqual([0, 1]);
    const arrived = (await result) as { view: Uint8Array; moved: ArrayBuffer; copied: ArrayBuffer; text: string };
    expect([...arrived.view]).toEqual([2, 3]);
    expect(new Uint8Array(arrived.moved)).toEqual(new Uint8Array([1, 2, 3]));
    expect(new Uint8Array(arrived.copied)).toEqual(new Uint8Array([4]));
    expect(arrived.text).toBe("beside");
  });

  it("keeps its content while its task waits for a thread", async () => {
    const watched = watch("tasks.mjs", options);
    const gate = new Gate();
    watched.offloader.offload("blocked", { gate: gate.memory });
    await gate.arrival();
    const buffers = [bytes(1), bytes(2), bytes(3)];
    const sums = buffers.map((buffer) => watched.offloader.run("sumOf", buffer, { transfer: [buffer] }));
    gate.open();
    expect(await Promise.all(sums)).toEqual([1, 2, 3]);
  });

  it("is not detached when the call is refused", async () => {
    const { offloader } = watch("tasks.mjs", { ...options, queue: { max: 1 } });
    const gate = new Gate();
    const buffer = bytes(1, 2);
    const bad: unknown = { buffer, bad() {} };
    expect(() => offloader.offload("echo", bad, { transfer: [buffer] })).toThrow("bad is a function");
    offloader.offload("blocked", { gate: gate.memory });
    expect(() => offloader.offload("sumOf", buffer, { transfer: [buffer] })).toThrow("queue.max");
    expect(buffer.byteLength).toBe(2);
    gate.open();
  });

  it("is there again for a second attempt", async () => {
    const { offloader } = watch("tasks.mjs", options);
    const note = new Uint8Array([1, 2, 3]);
    const payload = { attempts: [1], note };
    const result = offloader.run("failsOnAttempt", payload, { transfer: [note.buffer], attempts: 2, backoff: 0 });
    expect(note.byteLength).toBe(0);
    expect(await result).toMatchObject({ attempt: 2, note: new Uint8Array([1, 2, 3]) });
  });

  it("is there again for a second attempt after its thread has died", async () => {
    const { offloader } = watch("tasks.mjs", options);
    const note = new Uint8Array([1, 2, 3]);
    const payload = { attempts: [1], note };
    const result = offloader.run("exitsOnAttempt", payload, { transfer: [note.buffer], attempts: 2, backoff: 0 });
    expect(await result).toBe(2);
  });

  it("that was moved for its only attempt is reported as lost when its thread dies before that began", async () => {
    const watched = watch("tasks.mjs", { pool: { maxThreads: 1, abortGrace: 50 } });
    await watched.expectTiny("tiny");
    const gate = new Gate();
    // Expected to be done soon, so that the buffer is sent after it; and it never is done.
    const killer = watched.offloader.offload("tiny", { blockedBy: gate.memory }, { timeout: 1_000 });
    const buffer = bytes(1, 2, 3);
    const handle = watched.offloader.offload("sumOf", buffer, { transfer: [buffer] });
    await handedOver();
    expect(handle.state).toBe("running");
    expect(await rejection(killer.result())).toMatchObject({ code: "AR_TIMEOUT" });
    expect(await rejection(handle.result())).toMatchObject({ code: "AR_THREAD_EXITED" });
    expect(watched.ends(handle.id)).toEqual(["failed"]);
  });
});

describe("a MessagePort in transfer", () => {
  it("connects the task with the main thread", async () => {
    const { offloader } = watch("tasks.mjs", options);
    const { port1, port2 } = new MessageChannel();
    const answered = new Promise((resolve) => port1.once("message", resolve));
    await offloader.run("says", { port: port2, text: "hello" }, { transfer: [port2] });
    expect(await answered).toBe("hello");
    port1.close();
  });

  it("cannot be moved for several attempts: the call refuses it, and moves nothing", async () => {
    const watched = watch("tasks.mjs", { ...options, policies: { says: { attempts: 3 } } });
    const { port1, port2 } = new MessageChannel();
    const answered = new Promise((resolve) => port1.once("message", resolve));
    const buffer = bytes(1, 2, 3);
    const payload = { port: port2, text: "hello", buffer };
    const transfer = [buffer, port2];
    expect(thrownBy(() => watched.offloader.offload("says", payload, { transfer }))).toMatchObject({
      code: "AR_PAYLOAD_NOT_CLONEABLE",
      message:
        "transfer[1]: expected an ArrayBuffer, which can be sent again for each of 3 attempts, got an instance of MessagePort, " +
        "which moves once; give the call attempts: 1, or leave it out",
    });
    expect(buffer.byteLength).toBe(3);
    expect(watched.recorded.filter(({ event }) => event === "accepted")).toEqual([]);
    await watched.offloader.run("says", payload, { transfer, attempts: 1 });
    expect(await answered).toBe("hello");
    port1.close();
  });

  it.each([
    ["ReadableStream", () => new ReadableStream()],
    ["WritableStream", () => new WritableStream()],
    ["TransformStream", () => new TransformStream()],
  ])("is not alone: a %s is refused for several attempts too", (name, make) => {
    const { offloader } = watch("tasks.mjs", options);
    const stream: unknown = make();
    const call = () => offloader.offload("echo", { stream }, { transfer: [stream as ArrayBuffer], attempts: 2 });
    expect(thrownBy(call)).toMatchObject({ code: "AR_PAYLOAD_NOT_CLONEABLE" });
    expect(thrownBy(call).message).toContain(`got an instance of ${name}`);
  });
});
