// The handle of a dispatch: a look at the task, without a hold on anything else.
import { expect, it } from "vitest";
import { Handle, type HandleActions } from "../../src/core/handle.js";
import type { Task } from "../../src/core/task.js";
import { createLedger, defineTask, makeTask } from "../support/tasks.js";

it("a handle shows the task as it is now, and passes on what is asked of it", async () => {
  const { ledger } = createLedger();
  const task = makeTask(defineTask("sendMail"));
  const asked: unknown[] = [];
  const handle = new Handle(task, {
    cancel: (of: Task, reason: unknown) => asked.push([of.id, reason]) > 0,
    result: (of: Task) => ledger.result(of),
    durable: (of: Task) => Promise.resolve(void asked.push([of.id, "durable"])),
  } satisfies HandleActions);
  ledger.accept(task);
  expect([handle.id, handle.task, handle.state]).toEqual([task.id, "sendMail", "held"]);
  ledger.queued(task);
  expect(handle.state).toBe("queued");
  expect(handle.cancel("the user left")).toBe(true);
  expect(asked).toEqual([[task.id, "the user left"]]);
  ledger.started(task);
  ledger.succeeded(task, 7);
  expect(await handle.result()).toBe(7);
});
