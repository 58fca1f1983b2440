// renewThreads(): every thread is replaced, and no task notices.
import { expect, it } from "vitest";
import { Gate } from "../support/gate.js";
import { watch } from "../support/offloader.js";

it("replaces every thread, each after the work that it has", async () => {
  const watched = watch("tasks.mjs", { pool: { minThreads: 2, maxThreads: 2 } });
  const { offloader } = watched;
  await offloader.ready();
  await watched.events("threadStarted", 2);
  const before = offloader.threads().map(({ threadId }) => threadId);
  const gate = new Gate();
  const busy = offloader.offload("blocked", { gate: gate.memory, value: "done" });
  await gate.arrival();

  expect(offloader.renewThreads()).toBe(2);
  // Those that end already are not asked again.
  expect(offloader.renewThreads()).toBe(0);
  await watched.event("threadEnded", ({ cause }) => cause === "renewed");
  expect(busy.state).toBe("running");
  gate.open();
  expect(await busy.result()).toBe("done");
  await watched.events("threadEnded", 2, ({ cause }) => cause === "renewed");
  await watched.events("threadStarted", 4);
  expect(offloader.threads().filter(({ threadId }) => before.includes(threadId))).toEqual([]);
  expect(await offloader.run("add", { a: 1, b: 2 })).toBe(3);
});
