// Payloads and contexts that were captured as bytes: they are written as they are, and come back as they were.
import { readFileSync, writeFileSync } from "node:fs";
import { deserialize, serialize } from "node:v8";
import { MessageChannel } from "node:worker_threads";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { capture } from "../../src/core/payload/capture.js";
import { PayloadBytes } from "../../src/core/payload/payload.js";
import { streamVersion } from "../../src/core/payload/stream/stream-format.js";
import { decodeContent, encodeContent, type TaskContent } from "../../src/journal/format/content.js";
import { encodings, headerLength } from "../../src/journal/format/format.js";
import {
  accept,
  afterKill,
  filesIn,
  payloadBytes,
  pendingIn,
  replayed,
  reseal,
  setStreamVersion,
  testJournal,
} from "./journals.js";

/** A value as a stream of V8 and nothing else. */
function streamOf(value: unknown): PayloadBytes {
  return payloadBytes(serialize(value));
}

function roundTrip(content: Partial<TaskContent>): TaskContent {
  const { encoding, chunks, length } = encodeContent({
    payload: undefined,
    dispatch: undefined,
    context: undefined,
    ...content,
  });
  const bytes = Buffer.concat(chunks);
  expect(encoding).toBe(encodings.bytes);
  expect(bytes.length).toBe(length);
  // In the middle of a larger buffer, as a record is.
  const around = Buffer.concat([Buffer.from("before"), bytes, Buffer.from("behind")]);
  return decodeContent(encoding, around.subarray(6, 6 + length));
}

function refusalOf(content: Partial<TaskContent>): unknown {
  try {
    encodeContent({ payload: undefined, dispatch: undefined, context: undefined, ...content });
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("a payload as bytes", () => {
  it("comes back with its stream and its parts", () => {
    const bytes = new Uint8Array([1, 2, 3, 4, 5, 6]);
    const { payload } = roundTrip({ payload: payloadBytes(bytes, [1, 2, 0, 3]) });
    expect(payload).toBeInstanceOf(PayloadBytes);
    expect(payload).toEqual(payloadBytes(bytes, [1, 2, 0, 3]));
  });

  it("comes back whatever it is, and whatever stands beside it", () => {
    const bytes = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 6 }).map((buffers) => {
      const parts = [serialize("a stream"), ...buffers];
      return payloadBytes(
        Buffer.concat(parts),
        parts.map(({ length }) => length),
      );
    });
    const flat = fc.oneof(
      fc.constant(undefined),
      fc.string({ unit: "binary" }),
      fc.double(),
      fc.bigInt(),
      fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.constant(undefined), fc.boolean())),
    );
    const dispatch = fc.oneof(fc.constant(undefined), fc.record({ attempts: fc.nat(), key: fc.string() }));
    fc.assert(
      fc.property(bytes, flat, dispatch, (large, small, options) => {
        const [first, second] = [
          roundTrip({ payload: large, dispatch: options, context: small }),
          roundTrip({ payload: small, dispatch: options, context: large }),
        ];
        expect(plain(first)).toEqual(plain({ payload: large, dispatch: options, context: small }));
        expect(plain(second)).toEqual(plain({ payload: small, dispatch: options, context: large }));
      }),
    );
  });

  it("may have many parts", () => {
    const lengths = Array.from({ length: 1_000 }, (_, index) => index % 3);
    const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
    expect(roundTrip({ payload: payloadBytes(bytes, lengths) }).payload).toMatchObject({ lengths });
  });

  it("is taken from shared memory, and comes back in a buffer of its own that holds no other byte", () => {
    const shared = new Uint8Array(new SharedArrayBuffer(100), 10, 4);
    shared.set([1, 2, 3, 4]);
    const { payload } = roundTrip({ payload: payloadBytes(shared) });
    const bytes = bytesIn(payload);
    expect([...bytes]).toEqual([1, 2, 3, 4]);
    expect(bytes.buffer).toBeInstanceOf(ArrayBuffer);
    expect([bytes.byteOffset, bytes.buffer.byteLength]).toEqual([0, 4]);
  });

  it("is not serialized again", () => {
    const stream = streamOf({ deep: { text: "only once" } });
    const { chunks } = encodeContent({ payload: stream, dispatch: undefined, context: undefined });
    expect(chunks.at(-1)).toBe(stream.bytes);
    expect(Buffer.from(chunks[0] ?? []).toString("latin1", 4)).toBe(`[{"bytes":[${stream.bytes.length}]}]`);
  });

  it("with something beside its bytes is refused, with the path and without the value", () => {
    const { port1 } = new MessageChannel();
    port1.close();
    const cases: [unknown, string][] = [
      [port1, "payload.at is an instance of MessagePort"],
      [new SharedArrayBuffer(8), "payload.at is a SharedArrayBuffer"],
      [new Int32Array(new SharedArrayBuffer(8)), "payload.at is a view of a SharedArrayBuffer"],
      [new Blob(["hush"]), "payload.at is an instance of Blob"],
    ];
    for (const [aside, message] of cases) {
      const refusal = refusalOf({
        payload: payloadBytes(new Uint8Array(3), [3], { aside: [aside], asidePaths: ["payload.at"] }),
      });
      expect(refusal).toMatchObject({
        code: "AR_PAYLOAD_NOT_CLONEABLE",
        message: `${message}, which a journal cannot hold`,
      });
    }
    // A Blob travels in the place of a File.
    const payload = capture({ file: new File(["hush"], "hush.txt") });
    expect(String(refusalOf({ payload }))).toContain(
      "payload.file is an instance of File, which a journal cannot hold",
    );
    const context = payloadBytes(new Uint8Array(3), [3], { aside: [port1], asidePaths: ["context.port"] });
    expect(String(refusalOf({ context }))).toContain("context.port is an instance of MessagePort");
  });

  it("does not hide what is refused in a value beside it", () => {
    const context = { memory: new SharedArrayBuffer(1) };
    expect(String(refusalOf({ payload: streamOf([1]), context }))).toContain(
      "the context.memory is a SharedArrayBuffer",
    );
  });

  it("that is not as long as its parts is never written", () => {
    expect(refusalOf({ payload: payloadBytes(new Uint8Array(3), [2]) })).toBeInstanceOf(RangeError);
  });

  it("that was cut off or has a wrong header is not read", () => {
    const { encoding, chunks } = encodeContent({ payload: streamOf("text"), dispatch: undefined, context: undefined });
    const bytes = Buffer.concat(chunks);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeContent(encoding, bytes.subarray(0, length))).toThrow();
    }
    expect(() => decodeContent(encoding, Buffer.concat([bytes, Buffer.from("x")]))).toThrow("too long");
    for (const header of ["{}", "[1]", "[{}]", '[{"bytes":[-1]}]', '[{"bytes":"1"}]', '[{"v8":1e9}]']) {
      const start = Buffer.alloc(4);
      start.writeUInt32LE(header.length);
      expect(() => decodeContent(encoding, Buffer.concat([start, Buffer.from(header)]))).toThrow();
    }
  });
});

describe("a journaled payload as bytes", () => {
  it("survives a kill, small or larger than a segment, and a retry from the dead letters", async () => {
    const { journal, dir } = testJournal();
    const small = accept(journal, streamOf({ at: new Date(5) }));
    const large = accept(journal, payloadBytes(Buffer.alloc(9_000_000, 1), [1_000_000, 8_000_000]));
    const dead = accept(journal, streamOf(new Map([[1, 2]])));
    journal.moveToDeadLetters(dead, "exhausted", new Error("no"));
    await Promise.resolve();
    const next = testJournal({ dir: afterKill(dir) });
    const tasks = await replayed(next.journal);
    expect(tasks.map(({ id }) => id)).toEqual([small.id, large.id]);
    expect(decoded(tasks[0]?.payload)).toEqual({ at: new Date(5) });
    expect(tasks[1]?.payload).toMatchObject({ lengths: [1_000_000, 8_000_000] });
    expect(Buffer.alloc(9_000_000, 1).equals(bytesIn(tasks[1]?.payload))).toBe(true);
    expect(decoded(next.journal.deadLetters.retry(dead.id)?.payload)).toEqual(new Map([[1, 2]]));
    expect(decoded((await pendingIn(next.dir)).at(-1)?.payload)).toEqual(new Map([[1, 2]]));
  });

  it("of a later version of the stream makes its task a dead letter", async () => {
    const { journal, dir } = testJournal();
    const stream = Buffer.from([streamVersion + 1, 0, 0, 0, 0]);
    const entry = accept(journal, payloadBytes(stream, [stream.length]));
    const next = testJournal({ dir: afterKill(dir) });
    expect(await replayed(next.journal)).toEqual([]);
    expect(await next.journal.deadLetters.list()).toMatchObject([{ id: entry.id, reason: "unreadable" }]);
  });

  it("that a newer V8 wrote makes its task a dead letter", async () => {
    const { journal, dir } = testJournal();
    const entry = accept(journal, streamOf(new Date(0)));
    const after = accept(journal);
    const killed = afterKill(dir);
    const [file = ""] = filesIn(killed, ".segment");
    const bytes = readFileSync(file);
    setStreamVersion(bytes, serialize(new Date(0)));
    reseal(bytes, headerLength);
    writeFileSync(file, bytes);
    const next = testJournal({ dir: killed });
    expect((await replayed(next.journal)).map(({ id }) => id)).toEqual([after.id]);
    expect(await next.journal.deadLetters.list()).toMatchObject([{ id: entry.id, reason: "unreadable" }]);
  });
});

function bytesIn(captured: unknown): Uint8Array {
  if (!(captured instanceof PayloadBytes)) throw new TypeError("expected bytes");
  return captured.bytes;
}

/** The value of a stream without parts. */
function decoded(captured: unknown): unknown {
  return captured instanceof PayloadBytes ? deserialize(captured.bytes) : captured;
}

/** Bytes of any class as an array, so that they compare by what they hold. */
function plain({ payload, dispatch, context }: TaskContent): unknown[] {
  return [payload, dispatch, context].map((value) =>
    value instanceof PayloadBytes ? { bytes: [...value.bytes], lengths: value.lengths } : value,
  );
}
