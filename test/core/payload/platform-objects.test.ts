// Objects of the platform that Node would turn into `{}` without a word, or die of: they are refused at the call, with their path.
import { once } from "node:events";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { capture, copy } from "../../../src/core/payload/capture.js";
import { refusal } from "./refusal.js";

/** To clone it ends the process: a test that does not pass here takes its process with it. */
async function closedPort(): Promise<MessagePort> {
  const { port1 } = new MessageChannel();
  const closed = once(port1, "close");
  port1.close();
  await closed;
  // Node has let go of it by the next turn. Until then structured clone only throws.
  await new Promise(setImmediate);
  return port1;
}

class Connection {
  constructor(readonly held: unknown) {}
}

describe("a closed port in a payload", () => {
  it.each<[string, (port: MessagePort) => unknown, string]>([
    ["a field", (port) => ({ at: { port } }), "payload.at.port"],
    ["the payload itself", (port) => port, "payload"],
    ["an item", (port) => [port], "payload[0]"],
    ["a field of an instance", (port) => ({ of: new Connection(port) }), "payload.of.held"],
    ["deep in an instance", (port) => new Connection([{ map: new Map([[1, port]]) }]), "payload.held[0].map.get(1)"],
  ])("is refused: %s", async (_, make, path) => {
    const port = await closedPort();
    const words = `${path} is an instance of MessagePort, which cannot be copied to a thread`;
    expect(refusal(make(port))).toBe(words);
  });

  it("is left out of an error that has it as its cause or in a field", async () => {
    const port = await closedPort();
    const error = Object.assign(new Error("m", { cause: port }), { port, code: "E" });
    for (const value of [[error], new Connection(error), [new Connection(error)]]) {
      expect(JSON.stringify(copy(value))).toContain('"code":"E"');
    }
  });

  it("is refused in transfer, with its place there", async () => {
    const port = await closedPort();
    expect(() => capture({ port }, "payload", { transfer: [port] })).toThrow(
      expect.objectContaining({
        code: "AR_PAYLOAD_NOT_CLONEABLE",
        message: expect.stringMatching(/^transfer\[0\]: .*detached/),
      }),
    );
  });

  it("is refused where it has been given away", async () => {
    const { port1 } = new MessageChannel();
    const taken = capture({ port1 }, "payload", { transfer: [port1] });
    expect(taken).toBeTypeOf("object");
    await new Promise(setImmediate);
    expect(refusal({ port1 })).toContain("payload.port1 is an instance of MessagePort");
  });
});

describe("what looks like an empty object", () => {
  it.each(["Math", "JSON", "Reflect", "Atomics", "Intl"] as const)("is refused: %s", (name) => {
    const value: unknown = globalThis[name];
    const words = `${name}, which cannot be copied to a thread; a task has its own ${name}`;
    expect(refusal(value)).toBe(`payload is ${words}`);
    expect(refusal({ tools: [1, value] })).toBe(`payload.tools[1] is ${words}`);
    expect(refusal(new Connection(value))).toBe(`payload.held is ${words}`);
  });

  it.runIf("Temporal" in globalThis)("is refused: Temporal", () => {
    expect(refusal({ at: Reflect.get(globalThis, "Temporal") })).toContain("payload.at is Temporal, which cannot");
  });

  it("arrives where it is one", () => {
    expect(copy({ a: {}, b: [{}], c: Object.create(null) })).toEqual({ a: {}, b: [{}], c: {} });
    expect(copy({})).toEqual({});
  });

  it.each(["Blob", "File"] as const)("is refused where it only has the prototype of a %s", (name) => {
    // The class is known by a true instance.
    copy([new Blob([]), new File([], "f")]);
    const fake = Object.create(globalThis[name].prototype);
    expect(refusal({ fake })).toContain(`payload.fake is an instance of ${name}, which cannot be copied to a thread`);
  });
});

describe("a proxy that has been revoked", () => {
  it.each<[string, (proxy: object) => unknown, string]>([
    ["the payload itself", (proxy) => proxy, "payload"],
    ["a field of a flat object", (proxy) => ({ a: 1, proxy }), "payload.proxy"],
    ["an item", (proxy) => ({ list: [1, proxy] }), "payload.list[1]"],
    ["a key of a Map", (proxy) => new Map([[proxy, 1]]), "a key of payload"],
    ["a field of an instance", (proxy) => new Connection(proxy), "payload.held"],
  ])("is refused: %s", (_, make, path) => {
    for (const target of [{}, []]) {
      const { proxy, revoke } = Proxy.revocable(target, {});
      const value = make(proxy);
      revoke();
      expect(refusal(value)).toBe(`${path} is a revoked proxy, which cannot be copied to a thread`);
    }
  });

  it("is named in the path of what a Map holds for it", () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    const map = new Map<object, unknown>([[{ proxy }, 1]]);
    revoke();
    expect(refusal(map)).toBe("a key of payload.proxy is a revoked proxy, which cannot be copied to a thread");
  });

  it("in transfer is refused with the code", () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(() => capture(1, "payload", { transfer: [proxy] })).toThrow(
      expect.objectContaining({ code: "AR_PAYLOAD_NOT_CLONEABLE" }),
    );
  });
});
