// What a consumer does when credits are taken back while it fetches, and with a job that is no task.
import type { Job } from "bullmq";
import { expect, it } from "vitest";
import { deferred } from "../../../src/base/deferred.js";
import { crashesOf, type JobData, toTask } from "../../../src/engine/remote/bullmq/job.js";
import { type ConsumerParts, PgBossConsumer } from "../../../src/engine/remote/pg-boss/consumer.js";
import type { FetchedJob } from "../../../src/engine/remote/pg-boss/job.js";
import type { Delivery } from "../../../src/engine/remote/remote-engine.js";
import { fromDelivery } from "../../../src/engine/remote/thread/body.js";
import { Loss } from "../../../src/engine/remote/thread/loss.js";
import { until } from "../../support/until.js";

const job = (id: string): FetchedJob => ({ id, retryCount: 0, data: {} }) as unknown as FetchedJob;

it("fetches for the next credit, also if more jobs came than credits were left", async () => {
  const fetches: number[] = [];
  const first = deferred<FetchedJob[]>();
  const delivered: Delivery[] = [];
  const parts: Partial<ConsumerParts> = {
    pollMs: 1,
    fetch: (most) => (fetches.push(most) === 1 ? first.promise : Promise.resolve([])),
    leases: { add: () => ({ lost: new Loss() }), stop() {} } as unknown as ConsumerParts["leases"],
    deliver: (delivery) => void delivered.push(delivery),
  };
  const consumer = new PgBossConsumer(parts as ConsumerParts);
  consumer.grant(3);
  await until(() => fetches.length === 1, "the first fetch");
  consumer.grant(-3);
  first.resolve([job("a"), job("b"), job("c")]);
  await until(() => delivered.length === 3, "what was fetched");
  consumer.grant(1);
  await until(() => fetches.length > 1, "a fetch for the new credit");
  expect(fetches[1]).toBe(1);
  await consumer.close(1_000);
});

it("leaves a job that is no task to whoever reads it, who refuses it", () => {
  const foreign = {
    id: "1",
    name: "mail",
    data: null,
    opts: {},
    timestamp: 1,
    stalledCounter: 2,
  } as unknown as Job<JobData | null>;
  const task = toTask(foreign);
  expect(task).toMatchObject({ id: "1", name: "mail", attempts: 1 });
  expect(crashesOf(foreign)).toBe(2);
  expect(() => fromDelivery({ task, attempt: 1, crashes: 2, lost: new Loss(), settle: async () => {} })).toThrow();
});
