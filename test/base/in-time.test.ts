import { describe, expect, it } from "vitest";
import { doneBefore, inTime } from "../../src/base/time.js";

const never = () => new Promise<never>(() => {});

describe("inTime", () => {
  it("is true for work that is done in time, and waits for it without a limit", async () => {
    expect(await inTime(Promise.resolve(), 10_000)).toBe(true);
    expect(await inTime(Promise.resolve(), undefined)).toBe(true);
  });

  it("is false when the time is over first", async () => {
    expect(await inTime(never(), 5)).toBe(false);
  });

  it("rejects as the work does", async () => {
    await expect(inTime(Promise.reject(new Error("no")), 10_000)).rejects.toThrow("no");
  });
});

describe("doneBefore", () => {
  it("takes the limit away when the work is done, and when the limit has expired", async () => {
    let removed = 0;
    const remove = () => {
      removed += 1;
    };
    expect(await doneBefore(Promise.resolve(), () => remove)).toBe(true);
    expect(
      await doneBefore(never(), (expire) => {
        expire();
        return remove;
      }),
    ).toBe(false);
    expect(removed).toBe(2);
  });

  it("leaves no unhandled rejection when the work fails after the limit", async () => {
    let fail: (error: Error) => void = () => {};
    const work = new Promise<never>((_, reject) => {
      fail = reject;
    });
    expect(await inTime(work, 1)).toBe(false);
    const unhandled: unknown[] = [];
    const note = (error: unknown) => unhandled.push(error);
    process.on("unhandledRejection", note);
    fail(new Error("late"));
    await new Promise(setImmediate);
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
  });
});
