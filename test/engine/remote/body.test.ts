// What a broker keeps of a task, and what comes out of it again: whatever the journal could hold.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { capture } from "../../../src/core/payload/capture.js";
import { restore } from "../../../src/core/payload/restore.js";
import { fromWireForm } from "../../../src/core/payload/wire-form.js";
import type { DeliveredTask } from "../../../src/engine/remote/protocol.js";
import type { EngineTask } from "../../../src/engine/remote/remote-engine.js";
import { type ContentHead, fromDelivery, toEngineTask } from "../../../src/engine/remote/thread/body.js";
import { Loss } from "../../../src/engine/remote/thread/loss.js";
import { encodeContent } from "../../../src/journal/format/content.js";

interface Parts {
  readonly payload: unknown;
  readonly dispatch?: object;
  readonly context?: unknown;
  readonly parent?: string;
  readonly carrier?: Record<string, string>;
}

function submitted({ payload, dispatch, context, ...rest }: Parts): EngineTask {
  const captured = { payload: capture(payload), context: capture(context) };
  const content = encodeContent({ ...captured, dispatch, ...rest });
  const bytes = Buffer.concat(content.chunks);
  const head: ContentHead = {
    id: "a-1",
    name: "echo",
    priority: 2,
    attempts: 1,
    key: undefined,
    acceptedAt: 5,
    encoding: content.encoding,
  };
  return toEngineTask(head, bytes);
}

/** As it arrives at a worker: over the broker, which keeps JSON. */
function delivered(task: EngineTask): DeliveredTask {
  const kept = JSON.parse(JSON.stringify(task)) as EngineTask;
  const lost = new Loss();
  return fromDelivery({ task: kept, attempt: 2, crashes: 1, lost, settle: async () => {} });
}

const restored = (wire: unknown): unknown => restore(fromWireForm(wire));

describe("a task as a broker keeps it", () => {
  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["a flat object", { a: 1, b: "ü" }],
    ["a deep one", { a: [1, { b: [null, true] }] }],
    ["a number", 7],
  ])("is readable JSON if the payload is %s", (_what, payload) => {
    expect(submitted({ payload }).body).toEqual({ v: 1, enc: "json", payload });
  });

  it.each<[string, unknown]>([
    ["a Date", new Date(1)],
    ["bytes", { file: Buffer.from([1, 2]) }],
    ["minus zero", -0],
    ["a field that is undefined", { a: undefined }],
    ["a NUL", "a\0b"],
    ["a lone surrogate", { deep: ["\udc00"] }],
    ["a Map", new Map([["a", 1]])],
  ])("is base64 if the payload is or has %s", (_what, payload) => {
    const task = submitted({ payload });
    expect(task.body.enc).not.toBe("json");
    expect(restored(delivered(task).payload)).toEqual(payload);
  });

  it("has the options of the call, the context, the parent and the carrier with it", () => {
    const carrier = { traceparent: "00-1-2-01" };
    const parts = { payload: { a: 1 }, dispatch: { timeout: 5 }, context: { request: 7 }, parent: "p-1", carrier };
    for (const payload of [parts.payload, new Date(3)]) {
      const task = submitted({ ...parts, payload });
      expect(task.trace).toEqual(carrier);
      const arrived = delivered(task);
      expect(arrived).toMatchObject({
        dispatch: { timeout: 5 },
        parent: "p-1",
        carrier,
        attempt: 2,
        crashes: 1,
        acceptedAt: 5,
      });
      expect(restored(arrived.context)).toEqual({ request: 7 });
    }
  });

  it("comes back as it was, whatever it is", () => {
    const values = fc.anything({
      withDate: true,
      withMap: true,
      withSet: true,
      withBigInt: true,
      withTypedArray: true,
    });
    fc.assert(
      fc.property(values, values, (payload, context) => {
        const arrived = delivered(submitted({ payload, context }));
        expect(restored(arrived.payload)).toEqual(restore(capture(payload)));
        expect(restored(arrived.context)).toEqual(restore(capture(context)));
      }),
    );
  });

  it.each([
    ["of a newer version", { v: 2, enc: "json", payload: 1 }],
    ["of an unknown encoding", { v: 1, enc: "zip", data: "" }],
    ["that is garbled", { v: 1, enc: "v8", data: "////" }],
    ["that is missing", null],
  ])("is refused with an error if its body is one %s", (_what, body) => {
    const task = { ...submitted({ payload: 1 }), body } as unknown as EngineTask;
    expect(() => delivered(task)).toThrow(Error);
  });
});
