// The count of void entries, and when they are swept out.
import { describe, expect, it } from "vitest";
import { VoidEntries } from "../../src/base/lazy-deletion.js";

function withVoid(count: number): VoidEntries {
  const entries = new VoidEntries();
  for (let i = 0; i < count; i++) entries.add();
  return entries;
}

describe("void entries", () => {
  it("are counted until their turn comes or they are swept out", () => {
    const entries = withVoid(3);
    expect(entries.count).toBe(3);
    entries.remove();
    expect(entries.count).toBe(2);
    entries.clear();
    expect(entries.count).toBe(0);
  });

  it("are never too many while there are few, because a sweep of a short list gains nothing", () => {
    expect(withVoid(1_024).areTooMany(1_024)).toBe(false);
    expect(withVoid(1_025).areTooMany(1_025)).toBe(true);
  });

  it("are too many once they are more than half of the list", () => {
    expect(withVoid(2_000).areTooMany(4_000)).toBe(false);
    expect(withVoid(2_001).areTooMany(4_000)).toBe(true);
  });

  it("cost two looks an entry at the most, whatever their number: a sweep comes after as many new ones as it looks at", () => {
    const entries = new VoidEntries();
    let [length, looks] = [100_000, 0];
    for (let removed = 0; removed < 100_000; removed++) {
      entries.add();
      if (!entries.areTooMany(length)) continue;
      looks += length;
      length -= entries.count;
      entries.clear();
    }
    expect(looks).toBeLessThan(200_000);
    expect(length).toBeLessThanOrEqual(2 * 1_025);
  });
});
