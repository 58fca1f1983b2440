// The contract of src/engine/remote/remote-engine.ts as tests, the same for every client of a broker. They wait for events; where
// a broker has none, they ask it again and again.
import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type {
  Consumer,
  Delivery,
  EngineCounts,
  EngineTask,
  Receipt,
  RemoteEngine,
  Verdict,
} from "../../../src/engine/remote/remote-engine.js";

/** What a test has done to a broker, or to those who use it. What a broker cannot be made to suffer is left out. */
export interface BrokerFaults {
  /** Another worker process takes one task of the queue and is killed. Resolves when it is dead. */
  readonly dieWithTask: (queue: string) => Promise<void>;
  /** Has the broker take the lock of a running task away from whoever has it. Left out: the tests of lost locks are skipped. */
  readonly loseLock?: ((queue: string, id: string) => Promise<void>) | undefined;
  /** Stops the broker as kill -9 does, and starts it again; its data are kept. */
  readonly kill?: (() => Promise<void>) | undefined;
  readonly restart?: (() => Promise<void>) | undefined;
  /** The broker keeps its connections and does not answer any more (SIGSTOP), until it is thawed (SIGCONT). */
  readonly freeze?: (() => Promise<void>) | undefined;
  readonly thaw?: (() => Promise<void>) | undefined;
  /** Default false: its locks hold until it notices that a worker is gone. Otherwise they end with the time. */
  readonly locksEnd?: boolean | undefined;
  /** What makes the broker refuse a task for good, such as a lone surrogate. Left out where it takes everything. */
  readonly poison?: Partial<EngineTask> | undefined;
  /** How long it may take until a task whose worker has died, or whose lock is lost, is noticed, in ms. Default 20,000. */
  readonly noticeMs?: number | undefined;
}

/** Makes a client of the queue of this name, not opened. All clients of one name share the queue. */
export type MakeClient = (queue: string) => RemoteEngine | Promise<RemoteEngine>;

const ok: Receipt = { ok: true };
const long = 20_000;
let queues = 0;
let ids = 0;

/** Defines the tests for one kind of client. */
export function describeRemoteEngine(name: string, makeClient: MakeClient, faults: BrokerFaults): void {
  const noticeMs = faults.noticeMs ?? long;
  let queue: string;
  let client: RemoteEngine;

  /** A client that has been opened and is up. */
  async function open(of = queue): Promise<RemoteEngine> {
    const made = await makeClient(of);
    onTestFinished(() => made.close(2_000));
    await new Promise<void>((resolve) => made.open({ state: (up) => up && resolve() }));
    return made;
  }

  beforeEach(async () => {
    queue = `conformance-${process.pid}-${queues++}`;
    client = await open();
  });

  const submit = (...tasks: readonly EngineTask[]): Promise<readonly Receipt[]> =>
    client.submit(tasks, AbortSignal.timeout(long));

  describe(`${name}: submission`, () => {
    it("delivers a task as it was submitted", async () => {
      const task = aTask({
        body: { v: 1, enc: "json", payload: { a: [1, "ü", null, { b: true }] }, context: { request: 7 }, parent: "p" },
        priority: 1,
        attempts: 5,
        key: "k: 1/ü",
        trace: { traceparent: "00-1-2-01", other: "x" },
      });
      const other = aTask({ body: { v: 1, enc: "bytes", data: "AAEC/w==" } });
      expect(await submit(task, other)).toHaveLength(2);
      const worker = new Worker(client, 2);
      const first = await worker.next();
      const second = await worker.next();
      expect(withoutUndefined(first.task)).toEqual(withoutUndefined(task));
      expect(withoutUndefined(second.task)).toEqual(withoutUndefined(other));
      expect([first.attempt, first.crashes, first.lost.has]).toEqual([1, 0, false]);
      await worker.end("succeeded");
    });

    it("has a receipt for each task of a batch", async () => {
      const batch = many(250);
      const receipts = await submit(...batch);
      expect(receipts).toEqual(batch.map(() => ok));
      expect(await client.counts()).toEqual(counted({ waiting: 250 }));
    });

    it("makes no second task of an id that waits", async () => {
      const task = aTask();
      await submit(task);
      expect(isSame(await submit(task), task)).toBe(true);
      expect(await client.counts()).toEqual(counted({ waiting: 1 }));
    });

    it("makes no second task of an id that runs", async () => {
      const task = aTask();
      await submit(task);
      const worker = new Worker(client, 2);
      await worker.next();
      expect(isSame(await submit(task), task)).toBe(true);
      await worker.hearsNothing();
      await worker.end("succeeded");
    });

    it("makes no second task of an id that has just succeeded", async () => {
      const task = aTask();
      await submit(task);
      const worker = new Worker(client, 2);
      await (await worker.next()).settle({ as: "succeeded" });
      expect(isSame(await submit(task), task)).toBe(true);
      await worker.hearsNothing();
    });

    it("makes one task of each id of a batch that is submitted again with others", async () => {
      const batch = many(20);
      await submit(...batch.slice(0, 10));
      expect((await submit(...batch)).every((receipt) => receipt.ok)).toBe(true);
      expect(await client.counts()).toEqual(counted({ waiting: 20 }));
    });

    it.runIf(faults.poison)("refuses one task for good, and the others of a batch are not lost", async () => {
      const [before, guilty, after] = [aTask(), aTask(faults.poison), aTask()];
      // The whole batch may be rejected: then nothing is known, and parts of it are submitted.
      const receipts = await submit(before, guilty, after).catch(() => undefined);
      if (receipts === undefined) await submit(before, after);
      else expect(receipts.map((receipt) => receipt.ok)).toEqual([true, false, true]);
      expect(await submit(guilty)).toMatchObject([{ ok: false, permanent: true, error: expect.any(Error) }]);
      expect(await client.counts()).toEqual(counted({ waiting: 2 }));
    });
  });

  describe(`${name}: order`, () => {
    it("delivers tasks of one priority in the order of their submission", async () => {
      const batch = many(250);
      await submit(...batch);
      expect(await idsInOrder(batch.length)).toEqual(batch.map(({ id }) => id));
    });

    it("delivers high before normal and normal before low", async () => {
      const low = many(3, { priority: 3 });
      const normal = many(3, { priority: 2 });
      const high = many(3, { priority: 1 });
      await submit(...low, ...normal, ...high);
      expect(await idsInOrder(9)).toEqual([...high, ...normal, ...low].map(({ id }) => id));
    });

    async function idsInOrder(count: number): Promise<string[]> {
      const worker = new Worker(client, 1);
      const found: string[] = [];
      for (let index = 0; index < count; index++) {
        const delivery = await worker.next();
        found.push(delivery.task.id);
        await delivery.settle({ as: "succeeded" });
        worker.grant(1);
      }
      return found;
    }
  });

  describe(`${name}: keys`, () => {
    const first = (): EngineTask => aTask({ key: "k" });

    it("calls a second task with the key of one that waits a duplicate of it", async () => {
      const [a, b] = [first(), first()];
      await submit(a);
      expect(await submit(b)).toEqual([{ ok: true, duplicateOf: a.id }]);
      expect(await client.counts()).toEqual(counted({ waiting: 1 }));
    });

    it("does so within one batch", async () => {
      const [a, b] = [first(), first()];
      const receipts = await submit(a, b);
      expect(isSame(receipts.slice(0, 1), a)).toBe(true);
      expect(receipts[1]).toEqual({ ok: true, duplicateOf: a.id });
      expect(await client.counts()).toEqual(counted({ waiting: 1 }));
    });

    it("does so while the first one runs, and while it waits for its next attempt", async () => {
      const [a, b, c] = [first(), first(), first()];
      await submit(a);
      const worker = new Worker(client, 1);
      const delivery = await worker.next();
      expect(await submit(b)).toEqual([{ ok: true, duplicateOf: a.id }]);
      await delivery.settle({ as: "retry", delayMs: 60_000, error: new Error("not now") });
      expect(await submit(c)).toEqual([{ ok: true, duplicateOf: a.id }]);
    });

    it("takes the same task again as the same task", async () => {
      const a = first();
      await submit(a);
      expect(isSame(await submit(a), a)).toBe(true);
      expect(await client.counts()).toEqual(counted({ waiting: 1 }));
    });

    it.each<Verdict>([{ as: "succeeded" }, { as: "failed", reason: "exhausted", error: new Error("no") }])(
      "takes another one when the first has ended ($as)",
      async (verdict) => {
        const [a, b] = [first(), first()];
        await submit(a);
        const worker = new Worker(client, 2);
        await (await worker.next()).settle(verdict);
        expect(isSame(await submit(b), b)).toBe(true);
        expect((await worker.next()).task.id).toBe(b.id);
        await worker.end("succeeded");
      },
    );

    it("keeps the keys of different names apart", async () => {
      const [a, b] = [first(), aTask({ key: "k", name: "other" })];
      const receipts = await submit(a, b);
      expect(isSame(receipts.slice(0, 1), a)).toBe(true);
      expect(isSame(receipts.slice(1), b)).toBe(true);
      expect(await client.counts()).toEqual(counted({ waiting: 2 }));
    });

    it("takes another one when the first was taken back", async () => {
      const [a, b] = [first(), first()];
      await submit(a);
      expect(await client.remove(a.id)).toBe("removed");
      expect(isSame(await submit(b), b)).toBe(true);
      expect(await client.counts()).toEqual(counted({ waiting: 1 }));
    });
  });

  describe(`${name}: credits`, () => {
    it("delivers nothing without a credit, and one task for each", async () => {
      await submit(...many(5));
      const worker = new Worker(client, 0);
      await worker.hearsNothing();
      worker.grant(2);
      await worker.next();
      const second = await worker.next();
      await worker.hearsNothing();
      // An end gives no credit: whoever has places grants them.
      await second.settle({ as: "succeeded" });
      await worker.hearsNothing();
      worker.grant(1);
      await worker.next();
      await counts({ waiting: 2, running: 2 });
      await worker.end("succeeded");
    });

    it("delivers again after more credits were taken back than were left", async () => {
      await submit(...many(2));
      const worker = new Worker(client, 1);
      await worker.next();
      await worker.hearsNothing();
      worker.grant(-2);
      worker.grant(1);
      await worker.next();
      await worker.end("succeeded");
    });

    it("delivers what comes later to a credit that is left", async () => {
      const worker = new Worker(client, 3);
      await worker.hearsNothing();
      const task = aTask();
      await submit(task);
      expect((await worker.next()).task.id).toBe(task.id);
      await worker.end("succeeded");
    });

    it("delivers each task to one of several workers", async () => {
      const batch = many(40);
      const [one, two] = [new Worker(client, 3), new Worker(await open(), 3)];
      const found: string[] = [];
      const work = async (worker: Worker): Promise<void> => {
        for (;;) {
          const delivery = await worker.next();
          found.push(delivery.task.id);
          await delivery.settle({ as: "succeeded" });
          worker.grant(1);
        }
      };
      for (const worker of [one, two]) void work(worker).catch(() => {});
      await submit(...batch);
      await eventually(() => found.length === batch.length, "the end of all tasks");
      expect(new Set(found)).toEqual(new Set(batch.map(({ id }) => id)));
      await counts({});
    });

    it("delivers nothing any more when it was stopped, and gives no attempt away", async () => {
      const worker = new Worker(client, 3);
      worker.stop();
      const batch = many(3);
      await submit(...batch);
      await worker.hearsNothing();
      const other = new Worker(await open(), 3);
      const deliveries = [await other.next(), await other.next(), await other.next()];
      expect(deliveries.map(({ attempt, crashes }) => [attempt, crashes])).toEqual([
        [1, 0],
        [1, 0],
        [1, 0],
      ]);
      await other.end("succeeded");
    });

    it("lets what runs be settled after the stop", async () => {
      await submit(aTask());
      const worker = new Worker(client, 1);
      const delivery = await worker.next();
      worker.stop();
      await delivery.settle({ as: "succeeded" });
      await counts({});
    });
  });

  describe(`${name}: verdicts`, () => {
    it("forgets a task that has succeeded", async () => {
      await submit(aTask());
      const worker = new Worker(client, 1);
      await (await worker.next()).settle({ as: "succeeded" });
      await counts({});
      expect(await client.failures.list(10)).toEqual([]);
    });

    it("delivers a task that is to be tried again after its delay, and counts the attempt", async () => {
      const task = aTask({ attempts: 3 });
      await submit(task);
      const worker = new Worker(client, 3);
      const begun = performance.now();
      await (await worker.next()).settle({ as: "retry", delayMs: 700, error: new Error("once more") });
      await counts({ delayed: 1 });
      const second = await worker.next();
      expect(performance.now() - begun).toBeGreaterThan(650);
      expect([second.task.id, second.attempt, second.crashes]).toEqual([task.id, 2, 0]);
      expect(withoutUndefined(second.task)).toEqual(withoutUndefined(task));
      await second.settle({ as: "retry", delayMs: 0, error: new Error("and again") });
      const third = await worker.next();
      expect(third.attempt).toBe(3);
      await worker.end("succeeded");
    });

    it("leaves the number of attempts to the worker", async () => {
      await submit(aTask({ attempts: 1 }));
      const worker = new Worker(client, 3);
      await (await worker.next()).settle({ as: "retry", delayMs: 0, error: new Error("once more") });
      expect((await worker.next()).attempt).toBe(2);
      await worker.end("succeeded");
    });

    it("keeps a task that has failed among the failures, whatever attempts it had left", async () => {
      const task = aTask({ attempts: 5 });
      await submit(task);
      const worker = new Worker(client, 2);
      const before = Date.now();
      await (await worker.next()).settle({ as: "failed", reason: "exhausted", error: new Error("a disk is full") });
      await worker.hearsNothing();
      await counts({ failed: 1 });
      const [failure, ...others] = await client.failures.list(10);
      expect(others).toEqual([]);
      expect(failure).toMatchObject({ id: task.id, name: task.name, reason: "exhausted", attempts: 1 });
      expect(failure?.error).toContain("a disk is full");
      expect(failure?.failedAt).toBeGreaterThan(before - 5_000);
      expect(failure?.failedAt).toBeLessThan(Date.now() + 5_000);
    });

    it("counts no attempt of a task that is returned, however often", async () => {
      await submit(aTask({ attempts: 2 }));
      const worker = new Worker(client, 6);
      for (let times = 0; times < 5; times++) {
        const delivery = await worker.next();
        expect([delivery.attempt, delivery.crashes]).toEqual([1, 0]);
        await delivery.settle({ as: "returned", delayMs: 0 });
      }
      expect((await worker.next()).attempt).toBe(1);
      await worker.end("succeeded");
    });

    it("counts returns and attempts apart", async () => {
      await submit(aTask({ attempts: 3 }));
      const worker = new Worker(client, 6);
      await (await worker.next()).settle({ as: "returned", delayMs: 0 });
      await (await worker.next()).settle({ as: "retry", delayMs: 0, error: new Error("first") });
      await (await worker.next()).settle({ as: "returned", delayMs: 0 });
      const delivery = await worker.next();
      expect([delivery.attempt, delivery.crashes]).toEqual([2, 0]);
      await delivery.settle({ as: "failed", reason: "exhausted", error: new Error("second") });
      expect(await client.failures.list(10)).toMatchObject([{ attempts: 2 }]);
    });

    it("delivers a returned task after its delay", async () => {
      await submit(aTask());
      const worker = new Worker(client, 2);
      const begun = performance.now();
      await (await worker.next()).settle({ as: "returned", delayMs: 700 });
      await counts({ delayed: 1 });
      await worker.next();
      expect(performance.now() - begun).toBeGreaterThan(650);
      await worker.end("succeeded");
    });

    it("delivers a returned task to another worker at once", async () => {
      const task = aTask();
      await submit(task);
      const worker = new Worker(client, 1);
      const delivery = await worker.next();
      const other = new Worker(await open(), 1);
      worker.stop();
      await delivery.settle({ as: "returned", delayMs: 0 });
      expect((await other.next(2_000)).task.id).toBe(task.id);
      await other.end("succeeded");
    });
  });

  describe(`${name}: crashes and locks`, () => {
    const patience = 3 * noticeMs + 10_000;

    it("counts the death of a worker as a crash and not as an attempt", { timeout: patience }, async () => {
      const task = aTask({ attempts: 2 });
      await submit(task);
      await faults.dieWithTask(queue);
      const worker = new Worker(client, 2);
      const delivery = await worker.next(noticeMs);
      expect([delivery.task.id, delivery.attempt, delivery.crashes]).toEqual([task.id, 1, 1]);
      await delivery.settle({ as: "retry", delayMs: 0, error: new Error("again") });
      const second = await worker.next();
      expect([second.attempt, second.crashes]).toEqual([2, 1]);
      await worker.end("succeeded");
    });

    it("delivers a task that three workers died of, because the worker decides", {
      timeout: 2 * patience,
    }, async () => {
      await submit(aTask());
      for (let times = 0; times < 3; times++) {
        await faults.dieWithTask(queue);
        await eventuallyCounts({ running: 0 });
      }
      const worker = new Worker(client, 1);
      const delivery = await worker.next(noticeMs);
      expect([delivery.attempt, delivery.crashes]).toEqual([1, 3]);
      await worker.end("succeeded");

      // Some brokers look for dead workers only while somebody consumes.
      async function eventuallyCounts(expected: Partial<EngineCounts>): Promise<void> {
        const looking = await makeClient(queue);
        looking.open({ state: () => {} });
        const consumer = looking.consume(() => {});
        await eventually(
          async () => {
            const found = await client.counts();
            return Object.entries(expected).every(([field, count]) => Reflect.get(found, field) === count);
          },
          "the broker to notice a death",
          noticeMs,
        );
        consumer.stop();
        await looking.close(2_000);
      }
    });

    it.runIf(faults.loseLock)(
      "tells of a lost lock, and the late end changes nothing",
      { timeout: patience },
      async () => {
        const task = aTask();
        await submit(task);
        const worker = new Worker(client, 1);
        const delivery = await worker.next();
        const lost = new Promise<void>((resolve) => delivery.lost.tell(() => resolve()));
        await faults.loseLock?.(queue, task.id);
        await within(lost, noticeMs, "the lost lock");
        await delivery.settle({ as: "failed", reason: "exhausted", error: new Error("too late") }).catch(() => {});
        expect(await client.failures.list(10)).toEqual([]);
      },
    );
  });

  describe.runIf(faults.freeze && faults.locksEnd)(`${name}: locks of a broker that does not answer`, () => {
    it.each([
      ["while the task runs", false],
      ["while its end waits to be told", true],
    ])(
      "are lost when they have not been renewed for as long as they last, %s",
      {
        timeout: noticeMs + 10_000,
      },
      async (_when, ends) => {
        await submit(aTask());
        const worker = new Worker(client, 1);
        const delivery = await worker.next();
        const lost = new Promise<void>((resolve) => delivery.lost.tell(() => resolve()));
        await faults.freeze?.();
        // It may be told all the same once the broker answers.
        if (ends) delivery.settle({ as: "succeeded" }).catch(() => {});
        try {
          await within(lost, noticeMs, "the lost lock");
        } finally {
          await faults.thaw?.();
        }
      },
    );
  });

  describe(`${name}: what is in the queue`, () => {
    it("counts", async () => {
      await submit(...many(6));
      const worker = new Worker(client, 4);
      const deliveries = [await worker.next(), await worker.next(), await worker.next(), await worker.next()];
      await deliveries[0]?.settle({ as: "retry", delayMs: 60_000, error: new Error("later") });
      await deliveries[1]?.settle({ as: "failed", reason: "exhausted", error: new Error("never") });
      await deliveries[2]?.settle({ as: "succeeded" });
      await counts({ waiting: 2, delayed: 1, running: 1, failed: 1 });
      await worker.end("succeeded");
    });

    it("takes back a task that waits, in each priority", async () => {
      const batch = [aTask({ priority: 1 }), aTask({ priority: 2 }), aTask({ priority: 3 })];
      await submit(...batch);
      for (const { id } of batch) expect(await client.remove(id)).toBe("removed");
      expect(await client.counts()).toEqual(counted({}));
      const worker = new Worker(client, 1);
      await worker.hearsNothing();
    });

    it("takes back a task that waits for its next attempt", async () => {
      const task = aTask();
      await submit(task);
      const worker = new Worker(client, 1);
      await (await worker.next()).settle({ as: "retry", delayMs: 60_000, error: new Error("later") });
      expect(await client.remove(task.id)).toBe("removed");
      expect(await client.counts()).toEqual(counted({}));
    });

    it("takes back neither a task that runs nor one that it does not have", async () => {
      const task = aTask();
      await submit(task);
      const worker = new Worker(client, 1);
      const delivery = await worker.next();
      expect(await client.remove(task.id)).toBe("running");
      expect(await client.remove("nobody-1")).toBe("unknown");
      await delivery.settle({ as: "succeeded" });
      expect(await client.remove(task.id)).toBe("unknown");
    });
  });

  describe(`${name}: failures`, () => {
    async function fail(count: number): Promise<readonly EngineTask[]> {
      const batch = many(count);
      await submit(...batch);
      const worker = new Worker(client, count);
      for (let index = 0; index < count; index++) {
        const delivery = await worker.next();
        await delivery.settle({ as: "failed", reason: "exhausted", error: new Error(`no ${delivery.task.id}`) });
      }
      worker.stop();
      return batch;
    }

    it("lists no more than it is asked for", async () => {
      await fail(4);
      expect(await client.failures.list(3)).toHaveLength(3);
      expect(await client.failures.list(10)).toHaveLength(4);
    });

    it("runs one again, with no attempt and no crash used", async () => {
      const [task, other] = await fail(2);
      expect(await client.failures.retry(task?.id ?? "")).toBe(true);
      const worker = new Worker(client, 1);
      const delivery = await worker.next();
      expect([delivery.task.id, delivery.attempt, delivery.crashes]).toEqual([task?.id, 1, 0]);
      expect(withoutUndefined(delivery.task)).toEqual(withoutUndefined(task));
      await worker.end("succeeded");
      expect(await client.failures.list(10)).toMatchObject([{ id: other?.id }]);
    });

    it("discards one", async () => {
      const [task, other] = await fail(2);
      expect(await client.failures.discard(task?.id ?? "")).toBe(true);
      expect(await client.failures.list(10)).toMatchObject([{ id: other?.id }]);
      expect(await client.failures.discard(task?.id ?? "")).toBe(false);
      expect(await client.failures.retry(task?.id ?? "")).toBe(false);
    });

    it("neither runs nor discards what has not failed", async () => {
      const task = aTask();
      await submit(task);
      expect(await client.failures.retry(task.id)).toBe(false);
      expect(await client.failures.discard(task.id)).toBe(false);
      expect(await client.failures.retry("nobody-1")).toBe(false);
      expect(await client.counts()).toEqual(counted({ waiting: 1 }));
    });
  });

  describe(`${name}: close`, () => {
    it("is quick, and a second one too", async () => {
      await submit(aTask());
      const other = await open();
      new Worker(other, 0);
      expect(await timeOf(other.close(5_000))).toBeLessThan(3_000);
      expect(await timeOf(other.close(5_000))).toBeLessThan(3_000);
      expect(await client.counts()).toEqual(counted({ waiting: 1 }));
    });

    it("ends before the first connection", async () => {
      const other = await makeClient(queue);
      other.open({ state: () => {} });
      expect(await timeOf(other.close(2_000))).toBeLessThan(2_500);
    });

    it("ends in time although a task runs, which is not lost", { timeout: 2 * noticeMs + 10_000 }, async () => {
      const task = aTask();
      await submit(task);
      const other = await open();
      await new Worker(other, 1).next();
      expect(await timeOf(other.close(1_000))).toBeLessThan(1_500);
      const worker = new Worker(client, 1);
      expect((await worker.next(noticeMs)).task.id).toBe(task.id);
      await worker.end("succeeded");
    });
  });

  for (const [fault, begin, end] of [
    ["frozen", faults.freeze, faults.thaw],
    ["dead", faults.kill, faults.restart],
  ] as const) {
    describe.runIf(begin !== undefined && end !== undefined)(`${name}: the broker is ${fault}`, () => {
      const patience = { timeout: 60_000 };

      async function whileDown(work: () => Promise<void>): Promise<void> {
        await begin?.();
        try {
          await work();
        } finally {
          await end?.();
        }
      }

      it("closes in time, also with a task that runs", patience, async () => {
        await submit(...many(2));
        const other = await open();
        await new Worker(other, 2).next();
        await whileDown(async () => {
          expect(await timeOf(other.close(500))).toBeLessThan(1_000);
          expect(await timeOf(client.close(500))).toBeLessThan(1_000);
        });
      });

      it("closes without a long wait, however much time there is", patience, async () => {
        await submit(aTask());
        const other = await open();
        await new Worker(other, 2).next();
        await whileDown(async () => {
          expect(await timeOf(other.close(60_000))).toBeLessThan(20_000);
        });
      });

      it("gives a submission up when its signal aborts, and takes the same batch afterwards", patience, async () => {
        const batch = many(5);
        await whileDown(async () => {
          const submission = client.submit(batch, AbortSignal.timeout(300));
          await expect(within(submission, 3_000, "the end of the submission")).rejects.toThrow();
        });
        await eventually(async () => {
          const receipts = await client.submit(batch, AbortSignal.timeout(1_000)).catch(() => []);
          return receipts.length === batch.length && receipts.every((receipt) => receipt.ok);
        }, "the broker to take the batch");
        await counts({ waiting: 5 });
      });

      it("tells that it is down and up again", patience, async () => {
        const changes: boolean[] = [];
        const other = await makeClient(queue);
        onTestFinished(() => other.close(2_000));
        other.open({ state: (up) => void changes.push(up) });
        await eventually(() => changes.at(-1) === true, "the connection");
        await whileDown(async () => {
          // A frozen broker is noticed by what it does not answer.
          void other.submit([aTask()], AbortSignal.timeout(1_000)).catch(() => {});
          await eventually(() => changes.at(-1) === false, "news that the broker is down", 30_000);
        });
        await eventually(() => changes.at(-1) === true, "news that the broker is up", 30_000);
        expect(changes.every((up, index) => up !== changes[index - 1])).toBe(true);
      });

      it("goes on to deliver afterwards", patience, async () => {
        const worker = new Worker(client, 2);
        await worker.hearsNothing();
        await whileDown(async () => {
          await sleep(500);
        });
        const task = aTask();
        await eventually(async () => {
          const receipts = await client.submit([task], AbortSignal.timeout(1_000)).catch(() => []);
          return receipts[0]?.ok === true;
        }, "the broker to take a task");
        expect((await worker.next(30_000)).task.id).toBe(task.id);
        await worker.end("succeeded");
      });
    });
  }

  /** Waits until the broker counts this; what is left out is 0. */
  async function counts(expected: Partial<EngineCounts>): Promise<void> {
    const wanted = JSON.stringify(counted(expected));
    let found = "";
    const isReached = async (): Promise<boolean> => {
      const { waiting, delayed, running, failed } = await client.counts();
      found = JSON.stringify({ waiting, delayed, running, failed });
      return found === wanted;
    };
    await eventually(isReached, () => `counts of ${wanted}, not ${found}`, 10_000);
  }
}

/** Takes tasks one after the other. */
class Worker {
  readonly #consumer: Consumer;
  readonly #arrived: Delivery[] = [];
  readonly #open = new Set<Delivery>();
  #waiting: ((delivery: Delivery) => void) | undefined;

  constructor(client: RemoteEngine, credits: number) {
    this.#consumer = client.consume((delivery) => {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if (waiting === undefined) this.#arrived.push(delivery);
      else waiting(delivery);
    });
    onTestFinished(() => this.#consumer.stop());
    if (credits > 0) this.grant(credits);
  }

  grant(more: number): void {
    this.#consumer.grant(more);
  }

  stop(): void {
    this.#consumer.stop();
  }

  async next(bound = long): Promise<Delivery> {
    const arrived = this.#arrived.shift();
    const next = new Promise<Delivery>((resolve) => {
      if (arrived === undefined) this.#waiting = resolve;
      else resolve(arrived);
    });
    const delivery = await within(next, bound, "a delivery");
    this.#open.add(delivery);
    return delivery;
  }

  /** That nothing comes has no event. A client that delivers by mistake does it within a few ms. */
  async hearsNothing(): Promise<void> {
    await sleep(300);
    expect(this.#arrived.map(({ task }) => task.id)).toEqual([]);
  }

  /** Takes no more, and settles what is left. One that was settled before may answer as it likes. */
  async end(as: "succeeded"): Promise<void> {
    this.stop();
    for (const delivery of [...this.#open, ...this.#arrived]) await delivery.settle({ as }).catch(() => {});
  }
}

function aTask(fields: Partial<EngineTask> = {}): EngineTask {
  const id = `c${process.pid}-${(ids++).toString(36)}`;
  const body = { v: 1, enc: "json", payload: { id } } as const;
  return { id, name: "echo", body, priority: 2, attempts: 1, acceptedAt: Date.now(), ...fields };
}

function many(count: number, fields: Partial<EngineTask> = {}): EngineTask[] {
  return Array.from({ length: count }, () => aTask(fields));
}

function counted(counts: Partial<EngineCounts>): EngineCounts {
  return { waiting: 0, delayed: 0, running: 0, failed: 0, ...counts };
}

/** Whether one receipt says that the broker has this very task. It may name the task as its own duplicate. */
function isSame([receipt, ...more]: readonly Receipt[], { id }: EngineTask): boolean {
  return more.length === 0 && receipt?.ok === true && (receipt.duplicateOf ?? id) === id;
}

/** JSON leaves out what is undefined. */
function withoutUndefined(task: EngineTask | undefined): unknown {
  return JSON.parse(JSON.stringify(task ?? null));
}

async function timeOf(work: Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work;
  return performance.now() - begun;
}

async function within<Value>(work: Promise<Value>, bound: number, what: string): Promise<Value> {
  const cancel = new AbortController();
  const late = sleep(bound, undefined, { signal: cancel.signal }).then(() => {
    throw new Error(`waited in vain for ${what}`);
  });
  late.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    cancel.abort();
  }
}

async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: string | (() => string),
  bound = long,
): Promise<void> {
  const end = performance.now() + bound;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited in vain for ${typeof what === "string" ? what : what()}`);
    await sleep(10);
  }
}
