// The store of an offloader without a journal keeps nothing, and says so where it is asked for what it would keep.
import { describe, expect, it } from "vitest";
import { NoStore } from "../../src/store/no-store.js";
import type { Store } from "../../src/store/store.js";
import { makeTask } from "../support/tasks.js";

const noJournal = expect.objectContaining({
  code: "AR_INVALID_OPTIONS",
  message: expect.stringContaining("there is no journal"),
});

describe("without a journal", () => {
  it("no task is kept, whatever becomes of it", async () => {
    const store: Store = new NoStore();
    const task = makeTask();
    store.accept(task, { key: "x" }, { attempts: 2 });
    task.state = "abandoned";
    store.moved(task, "queued");
    store.undo(task);
    store.flush();
    expect([store.keeps, store.pending, task.isLeft]).toEqual([false, 0, false]);
    await store.close();
  });

  it("nothing comes back", async () => {
    const store: Store = new NoStore();
    await store.takeOver(() => {
      throw new Error("a task came back");
    });
    store.stopReplay();
  });

  it("durability and dead letters are refused by name", async () => {
    const store: Store = new NoStore();
    await expect(store.durable()).rejects.toEqual(noJournal);
    await expect(store.deadLetters.list()).rejects.toEqual(noJournal);
    expect(() => store.deadLetters.retry("id")).toThrow(noJournal);
    expect(() => store.deadLetters.discard("id")).toThrow(noJournal);
  });
});
