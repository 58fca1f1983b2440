// What a task that leaves for another process is made of is read back from the segments, while they are written, filled and cleaned up.
import { describe, expect, it } from "vitest";
import type { Journal } from "../../src/journal/journal.js";
import type { JournalEntry } from "../../src/journal/log/segment.js";
import { testJournal } from "./journals.js";

function accept(journal: Journal, id: string, text: string): JournalEntry {
  return journal.accept({ id, task: "echo", payload: { text }, dispatch: undefined, context: undefined });
}

const read = (journal: Journal, entry: JournalEntry): unknown =>
  JSON.parse(Buffer.from(journal.contentOf(entry).bytes).toString("utf8"));

describe("the content of an unfinished task", () => {
  it("can be read as soon as it is accepted, in whatever order", () => {
    const { journal } = testJournal();
    const entries: JournalEntry[] = [];
    for (let index = 0; index < 50; index++) {
      entries.push(accept(journal, `a-${index}`, `${index}`.repeat(100)));
      const other = entries[(index * 7) % entries.length];
      const newest = entries[index];
      if (newest === undefined || other === undefined) throw new Error("there is no entry");
      expect(read(journal, newest)).toEqual([{ text: `${index}`.repeat(100) }]);
      expect(read(journal, other)).toEqual([{ text: `${(index * 7) % entries.length}`.repeat(100) }]);
    }
  });

  it("is found where it has been written again, because its segment was to be deleted", () => {
    const { journal } = testJournal({ maxBytes: 32 * 1024 * 1024 });
    const kept = accept(journal, "kept-1", "kept");
    const before = kept.segment?.path;
    expect(read(journal, kept)).toEqual([{ text: "kept" }]);
    const text = "x".repeat(64 * 1024);
    for (let index = 0; kept.segment?.path === before && index < 2_000; index++) {
      journal.ended(accept(journal, `a-${index}`, text), "forwarded");
    }
    expect(kept.segment?.path).not.toBe(before);
    expect(read(journal, kept)).toEqual([{ text: "kept" }]);
  });

  it("is there no more once the task has left", () => {
    const { journal } = testJournal();
    const entry = accept(journal, "a-1", "gone");
    journal.ended(entry, "forwarded");
    expect(() => journal.contentOf(entry)).toThrow(/a-1/);
  });
});
