// Run by vitest and by jest, whose fake timers are on before this file and the library are loaded.
import { fileURLToPath } from "node:url";
import { createOffloader } from "../../../../dist/index.js";

const { expect, test } = globalThis;
const logger = { debug() {}, info() {}, warn() {}, error() {} };

test("tasks, timeouts, retries and the end of an offloader need no timer of the test", async () => {
  const before = [Date.now(), performance.now()];
  const tasks = fileURLToPath(new URL("../../../fixtures/tasks.mjs", import.meta.url));
  const offloader = createOffloader({ tasks, logger, pool: { maxThreads: 1, abortGrace: 20 } });
  await offloader.ready();
  const retried = offloader.run("failsOnAttempt", { attempts: [1] }, { attempts: 2, backoff: 10 });
  expect(await retried).toMatchObject({ attempt: 2 });
  await expect(offloader.run("spins", {}, { timeout: 30 })).rejects.toMatchObject({ code: "AR_TIMEOUT" });
  expect(offloader.stats().oldestMs).toBe(0);
  await offloader.idle();
  const delayed = offloader.offload("fails", {}, { attempts: 2, backoff: 60_000 });
  const report = await offloader.close({ timeout: 50 });
  expect(report).toMatchObject({ abandoned: [{ id: delayed.id }] });
  expect(report.durationMs).toBeGreaterThan(0);
  expect([Date.now(), performance.now()]).toEqual(before);
});
