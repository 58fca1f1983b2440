// Tasks that leave for another process: the sixth final state.
import { describe, expect, it, onTestFinished } from "vitest";
import { silentLogger } from "../../src/base/logger.js";
import { capture } from "../../src/core/payload/capture.js";
import { rejection } from "../support/offloader.js";
import { defineTask, ids } from "../support/tasks.js";
import { TestHost } from "./host.js";
import { MailboxEngine } from "./mailbox-engine.js";

function start(): { engine: MailboxEngine; host: TestHost } {
  const engine = new MailboxEngine();
  const host = new TestHost(engine, { logger: silentLogger });
  host.start();
  onTestFinished(() => engine.close());
  return { engine, host };
}

const mail = defineTask("sendMail");

describe("a task that is handed over", () => {
  it("is final here as forwarded, and nothing is unfinished any more", async () => {
    const { engine, host } = start();
    const task = host.add(mail, {}, { payload: capture({ to: "you" }) });
    await host.ledger.idle();
    expect(task.state).toBe("forwarded");
    expect(host.story(task)).toEqual(["accepted", "queued", "started", "forwarded"]);
    expect(host.ledger.unfinished).toBe(0);
    expect(host.ledger.counts.all()).toMatchObject({ forwarded: 1, running: 0 });
    expect(engine.letters).toEqual([{ id: task.id, name: "sendMail", payload: { to: "you" }, attempt: 1 }]);
  });

  it("has a result that is not known here, whether it was asked for before or after", async () => {
    const { host } = start();
    const task = host.add(mail);
    const before = host.scheduler.result(task);
    await host.ledger.idle();
    for (const result of [before, host.scheduler.result(task)]) {
      const error = await rejection(result);
      expect(error).toMatchObject({ code: "AR_RUN_ELSEWHERE" });
      expect(error.message).toContain(task.id);
    }
  });

  it("cannot be cancelled, and no later report of it changes anything", async () => {
    const { host } = start();
    const task = host.add(mail, { attempts: 3, backoff: 0 });
    await host.ledger.idle();
    expect(host.scheduler.cancel(task, undefined)).toBe(false);
    const { reports } = host;
    reports.succeeded(task, "late");
    reports.failed(task, new Error("late"), true);
    reports.handedOver(task);
    reports.returned(task);
    reports.progress(task, "late");
    await host.ledger.idle();
    expect(host.story(task)).toEqual(["accepted", "queued", "started", "forwarded"]);
  });

  it("can be cancelled before that, and is not handed over then", async () => {
    const { engine, host } = start();
    const [first, second] = [host.add(mail), host.add(mail)];
    expect(host.scheduler.cancel(first, undefined)).toBe(true);
    await host.ledger.idle();
    expect(engine.letters.map(({ id }) => id)).toEqual([second.id]);
    expect(first.state).toBe("cancelled");
  });

  it("lets the next one with its key follow", async () => {
    const { engine, host } = start();
    host.scheduler.pauses.pause();
    const tasks = [1, 2].map(() => host.add(mail, { key: "welcome" }));
    host.scheduler.pauses.resume();
    await host.ledger.idle();
    expect(engine.letters.map(({ id }) => id)).toEqual(ids(tasks));
  });

  it("is handed over by a further attempt where the other side could not be reached", async () => {
    const { engine, host } = start();
    engine.failure = new Error("ECONNREFUSED");
    const task = host.add(mail, { attempts: 2, backoff: 0 });
    await host.ledger.idle();
    expect(host.story(task).slice(2)).toEqual(["started", "retrying", "queued", "started", "forwarded"]);
    expect(engine.letters.map(({ attempt }) => attempt)).toEqual([2]);
  });

  it("does not leave while the engine is paused, and the drain waits for it", async () => {
    const { engine, host } = start();
    host.scheduler.pauses.pause();
    const task = host.add(mail);
    let drained = false;
    const idle = host.ledger.idle().then(() => {
      drained = true;
    });
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
    expect([drained, task.state, engine.letters.length]).toEqual([false, "queued", 0]);
    host.scheduler.pauses.resume();
    await idle;
    expect(task.state).toBe("forwarded");
  });
});
