import { describe, expect, it } from "vitest";
import { OffloadError } from "../../src/base/errors.js";
import { thrownBy } from "../support/offloader.js";
import { accept, afterKill, filesIn, pendingIn, replayed, testJournal } from "./journals.js";

describe("the journal", () => {
  it("has handed a task to the kernel when accept() returns", async () => {
    const { journal, dir } = testJournal();
    const context = { requestId: "r1" };
    journal.accept({
      id: "a-1",
      task: "resize",
      payload: { key: "x", widths: [1, 2] },
      dispatch: { attempts: 3 },
      context,
    });
    const [task, ...others] = await pendingIn(dir);
    expect(others).toEqual([]);
    expect(task).toMatchObject({
      id: "a-1",
      name: "resize",
      payload: { key: "x", widths: [1, 2] },
      dispatch: { attempts: 3 },
      context: { requestId: "r1" },
      attempt: 0,
      interrupted: 0,
    });
    expect(Date.now() - (task?.acceptedAt ?? 0)).toBeLessThan(60_000);
  });

  it("forgets a task that has ended, however it ended", async () => {
    const { journal, dir } = testJournal();
    for (const state of ["succeeded", "failed", "cancelled", "skipped", "abandoned"] as const) {
      journal.ended(accept(journal), state);
    }
    const kept = accept(journal, "kept");
    await Promise.resolve();
    expect((await pendingIn(dir)).map(({ id }) => id)).toEqual([kept.id]);
  });

  it("writes steps in groups at the end of the turn, and before the next accepted task", async () => {
    const { journal, dir } = testJournal();
    const first = accept(journal);
    journal.started(first, 1);
    journal.ended(first, "succeeded");
    const inTheTurn = afterKill(dir);
    await Promise.resolve();
    const afterTheTurn = afterKill(dir);
    const second = accept(journal);
    journal.ended(second, "succeeded");
    const third = accept(journal);
    const afterTheNext = afterKill(dir);
    const ids = async (at: string): Promise<string[]> => (await pendingIn(at)).map(({ id }) => id);
    expect(await ids(inTheTurn)).toEqual([first.id]);
    expect(await ids(afterTheTurn)).toEqual([]);
    expect(await ids(afterTheNext)).toEqual([third.id]);
  });

  it("hands tasks out in the order of acceptance, across segments and rewrites, and in one millisecond", async () => {
    const { journal, dir } = testJournal({ now: () => 1_000 });
    const ids = Array.from({ length: 100 }, () => accept(journal, "x".repeat(100_000)).id);
    expect((await pendingIn(dir)).map(({ id }) => id)).toEqual(ids);
  });

  it("keeps the order when the clock is set back", async () => {
    let clock = 5_000;
    const { journal, dir } = testJournal({ now: () => clock });
    const first = accept(journal);
    clock = 1_000;
    const second = accept(journal);
    expect((await pendingIn(dir)).map(({ id }) => id)).toEqual([first.id, second.id]);
  });

  it("counts the processes that died while a task ran, and not the attempts that they cut off", async () => {
    const { journal, dir } = testJournal();
    const entry = accept(journal);
    journal.started(entry, 1);
    journal.stopped(entry);
    journal.started(entry, 2);
    await Promise.resolve();
    const once = testJournal({ dir: afterKill(dir) });
    const [again] = await replayed(once.journal);
    expect(again).toMatchObject({ id: entry.id, attempt: 1, interrupted: 1 });
    if (again === undefined) return;
    once.journal.started(again.entry, 2);
    await Promise.resolve();
    expect((await pendingIn(once.dir))[0]).toMatchObject({ id: entry.id, attempt: 1, interrupted: 2 });
  });

  it("does not count the death of a process after its task has stopped", async () => {
    const { journal, dir } = testJournal();
    const entry = accept(journal);
    journal.started(entry, 1);
    journal.stopped(entry);
    await Promise.resolve();
    expect((await pendingIn(dir))[0]).toMatchObject({ attempt: 1, interrupted: 0 });
  });

  it("leaves nothing behind when it is closed with nothing unfinished", async () => {
    const { journal, dir } = testJournal();
    journal.ended(accept(journal), "succeeded");
    await journal.close();
    expect(filesIn(dir, "").map((file) => file.slice(dir.length + 1))).toEqual(["damaged", "dead-letters"]);
  });

  it("leaves unfinished tasks to the next start when it is closed, and does not count the attempt of a running one", async () => {
    const { journal, dir } = testJournal();
    const waiting = accept(journal);
    const running = accept(journal);
    journal.started(running, 1);
    await journal.close();
    const next = testJournal({ dir });
    expect(await replayed(next.journal)).toMatchObject([
      { id: waiting.id, attempt: 0, interrupted: 0 },
      { id: running.id, attempt: 0, interrupted: 0 },
    ]);
  });

  it("takes no more tasks after its close, and ignores the steps of old ones", async () => {
    const { journal } = testJournal();
    const entry = accept(journal);
    await journal.close();
    journal.started(entry, 1);
    journal.ended(entry, "succeeded");
    expect(() => accept(journal)).toThrow(expect.objectContaining({ code: "AR_JOURNAL_UNAVAILABLE" }));
    expect(await journal.close()).toBeUndefined();
  });

  it("records the end of a task once", async () => {
    const { journal } = testJournal();
    const entry = accept(journal);
    journal.ended(entry, "succeeded");
    journal.ended(entry, "failed");
    journal.stopped(entry);
    expect(journal.moveToDeadLetters(entry, "exhausted", new Error("late"))).toBe(false);
    expect(journal.stats).toMatchObject({ pending: 0, liveBytes: 0 });
  });

  it("takes payloads larger than a segment", async () => {
    const { journal, dir } = testJournal();
    const payload = new Uint8Array(9 * 1024 * 1024).fill(7);
    const small = accept(journal, "small");
    const large = accept(journal, payload);
    const after = accept(journal, "after");
    const tasks = await pendingIn(dir);
    expect(tasks.map(({ id }) => id)).toEqual([small.id, large.id, after.id]);
    expect(Buffer.compare(tasks[1]?.payload as Uint8Array, payload)).toBe(0);
  });

  it("refuses ids and names that it cannot write, and accepts nothing then", async () => {
    const { journal } = testJournal();
    const accepting =
      (id: string, task = "work") =>
      () =>
        journal.accept({ id, task, payload: 1, dispatch: undefined, context: undefined });
    for (const id of ["", "../../etc", "a b", "ä", "x".repeat(129)]) {
      expect(accepting(id)).toThrow(expect.objectContaining({ code: "AR_INVALID_ARGUMENT" }));
    }
    expect(accepting("a", "x".repeat(10_001))).toThrow(OffloadError);
    expect(journal.stats.pending).toBe(0);
  });

  it("keeps names of tasks in any script", async () => {
    const { journal, dir } = testJournal();
    accept(journal, 1, "größe_変更");
    expect((await pendingIn(dir))[0]?.name).toBe("größe_変更");
  });

  it("refuses above half of maxBytes, and takes tasks again when some have ended", async () => {
    const { journal } = testJournal({ maxBytes: 32 * 1024 * 1024 });
    const payload = new Uint8Array(5 * 1024 * 1024);
    const entries = [accept(journal, payload), accept(journal, payload), accept(journal, payload)];
    expect(() => accept(journal, payload)).toThrow(
      expect.objectContaining({ code: "AR_JOURNAL_FULL", statusCode: 503 }),
    );
    for (const entry of entries) journal.ended(entry, "succeeded");
    expect(accept(journal, payload).segment).toBeDefined();
  });

  it("asks nobody to come back with what is larger than half of maxBytes", () => {
    const { journal } = testJournal({ maxBytes: 32 * 1024 * 1024 });
    const refusal = thrownBy(() => accept(journal, new Uint8Array(17 * 1024 * 1024)));
    expect(refusal).toMatchObject({ code: "AR_PAYLOAD_TOO_LARGE", statusCode: 413 });
    expect(refusal.headers).toBeUndefined();
    expect(refusal.message).toMatch(/take 17\d{6} bytes, .* may take 16777216, half of journal\.maxBytes/);
    expect(accept(journal).segment).toBeDefined();
  });

  it("gives a task that was replayed back to the next start until its end is recorded", async () => {
    const { journal, dir } = testJournal();
    const entry = accept(journal);
    const second = testJournal({ dir: afterKill(dir) });
    const [task] = await replayed(second.journal);
    const third = testJournal({ dir: afterKill(second.dir) });
    const [again] = await replayed(third.journal);
    expect([task?.id, again?.id]).toEqual([entry.id, entry.id]);
    if (again === undefined) return;
    third.journal.ended(again.entry, "succeeded");
    await Promise.resolve();
    expect(await pendingIn(third.dir)).toEqual([]);
  });
});
