// How long a task that cannot be run here stays away, and when nobody is waited for any more.
import { beforeEach, describe, expect, it } from "vitest";
import { Returns } from "../../../src/engine/remote/delivery/returns.js";
import { untilSomebodyKnows } from "../../../src/engine/remote/delivery/unrunnable.js";
import { FakeClock } from "../../support/fake-clock.js";

let clock: FakeClock;
let returns: Returns;

beforeEach(() => {
  clock = new FakeClock();
  returns = new Returns(untilSomebodyKnows, clock);
});

describe("a task that is returned", () => {
  it("stays away for 1 s at first, then twice as long each time, and for 60 s at the most", () => {
    const delays = Array.from({ length: 9 }, () => returns.next("a"));
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });

  it("fails when it has been returned for 15 minutes", () => {
    returns.next("a");
    clock.advance(15 * 60_000 - 1);
    expect(returns.next("a")).toBe(2_000);
    clock.advance(1);
    expect(returns.next("a")).toBeUndefined();
    // One that comes back from the failures begins anew.
    expect(returns.next("a")).toBe(1_000);
  });

  it("has a count of its own", () => {
    returns.next("a");
    expect([returns.next("b"), returns.next("a")]).toEqual([1_000, 2_000]);
  });

  it("is forgotten when it has not come back for half an hour, or when there are more than 10,000 others", () => {
    returns.next("old");
    clock.advance(31 * 60_000);
    returns.next("other");
    expect(returns.next("old")).toBe(1_000);
    for (let index = 0; index < 10_000; index++) returns.next(`${index}`);
    expect(returns.next("old")).toBe(1_000);
  });
});
