// The forwarder against clients that answer as a test says: no task is lost, none is blamed for an outage, and each has one answer.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EngineTask, Receipt, RemoteEngine } from "../../../src/engine/remote/remote-engine.js";
import { Forwarder } from "../../../src/engine/remote/thread/forwarder.js";
import { until } from "../../support/until.js";

type Submit = (batch: readonly EngineTask[], signal: AbortSignal) => Promise<readonly Receipt[]>;

const quick = { patience: 50, pause: 1 };

function task(id: string): EngineTask {
  return { id, name: "echo", body: { v: 1, enc: "json", payload: id }, priority: 2, attempts: 1, acceptedAt: 0 };
}

const ok = (batch: readonly EngineTask[]): Receipt[] => batch.map(() => ({ ok: true }));

class Subject {
  readonly taken: string[] = [];
  readonly refused: string[] = [];
  readonly forwarder: Forwarder;

  constructor(submit: Submit) {
    const client = { submit } as Partial<RemoteEngine> as RemoteEngine;
    this.forwarder = new Forwarder(
      client,
      ({ id }, error) => void (error === undefined ? this.taken : this.refused).push(id),
      quick,
    );
    this.forwarder.setUp(true);
  }

  add(...ids: readonly string[]): void {
    this.forwarder.add(ids.map(task));
  }

  async answered(count: number): Promise<void> {
    await until(() => this.taken.length + this.refused.length >= count, `${count} answers`);
    this.forwarder.close();
  }
}

const idsOf = (batch: readonly EngineTask[]): string[] => batch.map(({ id }) => id);

describe("the forwarder", () => {
  it("submits in order, at most 500 at a time", async () => {
    const sizes: number[] = [];
    const subject = new Subject(async (batch) => {
      sizes.push(batch.length);
      return ok(batch);
    });
    const ids = Array.from({ length: 1_200 }, (_, index) => `${index}`);
    subject.add(...ids);
    await subject.answered(ids.length);
    expect(subject.taken).toEqual(ids);
    expect(sizes).toEqual([500, 500, 200]);
  });

  it("waits while the broker is down", async () => {
    let submissions = 0;
    const subject = new Subject(async (batch) => {
      submissions++;
      return ok(batch);
    });
    subject.forwarder.setUp(false);
    subject.add("a");
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(submissions).toBe(0);
    subject.forwarder.setUp(true);
    await subject.answered(1);
  });

  it("submits a batch again whose answer does not come, also of a client that does not keep to its signal", async () => {
    let submissions = 0;
    const subject = new Subject((batch) => (++submissions < 3 ? new Promise(() => {}) : Promise.resolve(ok(batch))));
    subject.add("a", "b");
    await subject.answered(2);
    expect(subject.taken.sort()).toEqual(["a", "b"]);
  });

  it("submits again what a receipt refuses for now, and gives up what one refuses for good", async () => {
    let submissions = 0;
    const subject = new Subject(async (batch) => {
      submissions++;
      return batch.map(({ id }) => {
        if (id === "never") return { ok: false, permanent: true, error: new Error("never") };
        if (id === "later" && submissions < 3) return { ok: false, permanent: false, error: new Error("later") };
        return { ok: true };
      });
    });
    subject.add("a", "later", "never", "b");
    await subject.answered(4);
    expect([subject.taken, subject.refused]).toEqual([["a", "b", "later"], ["never"]]);
  });

  it("blames nobody while the broker takes nothing, however often it rejects", async () => {
    let isFull = false;
    let rejections = 0;
    const subject = new Subject(async (batch) => {
      if (!isFull) return ok(batch);
      rejections++;
      throw new Error("OOM");
    });
    subject.add("first");
    await until(() => subject.taken.length === 1, "the first");
    isFull = true;
    subject.add("a", "b", "c");
    await until(() => rejections > 12, "rejections");
    expect(subject.refused).toEqual([]);
    isFull = false;
    await subject.answered(4);
    expect(subject.taken).toEqual(["first", "a", "b", "c"]);
  });

  it("finds the tasks for whose sake batches are rejected, whichever they are", async () => {
    const batches = fc.array(fc.record({ isGuilty: fc.boolean() }), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(batches, async (kinds) => {
        const ids = kinds.map(({ isGuilty }, index) => `${isGuilty ? "guilty" : "good"}-${index}`);
        const subject = new Subject(async (batch) => {
          if (idsOf(batch).some((id) => id.startsWith("guilty"))) throw new Error("invalid");
          return ok(batch);
        });
        // Without one that is taken, it could be the broker.
        subject.add("good", ...ids);
        await subject.answered(ids.length + 1);
        expect(subject.refused.sort()).toEqual(ids.filter((id) => id.startsWith("guilty")).sort());
        // The one that is submitted again to see whether the broker takes anything is told of once.
        expect(subject.taken.sort()).toEqual(["good", ...ids.filter((id) => id.startsWith("good"))].sort());
      }),
      { numRuns: 40 },
    );
  });

  it("ends its wait when it is closed", async () => {
    const subject = new Subject(() => new Promise(() => {}));
    subject.add("a");
    subject.forwarder.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([subject.taken, subject.refused]).toEqual([[], []]);
  });
});
