// Shared memory for large payloads: used again, capped, and given back to the system when nobody needs it.
import { describe, expect, it } from "vitest";
import type { Clock } from "../../../src/base/time.js";
import { Arena, sizeClass } from "../../../src/core/payload/stream/arena.js";

const KiB = 1024;
const MiB = 1024 * KiB;

/** A clock that the test moves. */
class Watch implements Clock {
  #now = 0;
  readonly #timers = new Set<{ at: number; callback: () => void }>();

  now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  move(ms: number): void {
    this.#now += ms;
    for (const timer of [...this.#timers]) {
      if (timer.at > this.#now || !this.#timers.delete(timer)) continue;
      timer.callback();
    }
  }

  get timers(): number {
    return this.#timers.size;
  }
}

describe("the arena", () => {
  it.each([
    [1, 64 * KiB],
    [64 * KiB, 64 * KiB],
    [64 * KiB + 1, 80 * KiB],
    [100 * KiB, 112 * KiB],
    [128 * KiB, 128 * KiB],
    [MiB + 1, 1.25 * MiB],
    [50 * MiB, 56 * MiB],
  ])("%d bytes get a region of %d", (bytes, size) => {
    expect(sizeClass(bytes)).toBe(size);
    expect(new Arena().take(bytes).buffer.byteLength).toBe(size);
  });

  it("wastes a quarter of a region at most", () => {
    for (let bytes = 64 * KiB; bytes < 100 * MiB; bytes = Math.ceil(bytes * 1.01)) {
      expect(sizeClass(bytes)).toBeGreaterThanOrEqual(bytes);
      expect(sizeClass(bytes)).toBeLessThanOrEqual(bytes * 1.25 + 1);
    }
  });

  it("hands out a region again that was freed, and never one that is in use", () => {
    const arena = new Arena();
    const [first, second] = [arena.take(MiB), arena.take(MiB)];
    expect(second.buffer).not.toBe(first.buffer);
    first.free();
    expect(arena.take(MiB).buffer).toBe(first.buffer);
    expect(arena.take(MiB).buffer).not.toBe(second.buffer);
  });

  it("takes the region that was freed last, and none that is more than twice as large", () => {
    const arena = new Arena();
    const regions = [MiB, 1.5 * MiB, 3 * MiB].map((size) => arena.take(size));
    for (const region of regions) region.free();
    expect(arena.take(MiB).buffer).toBe(regions[1]?.buffer);
    expect(arena.take(MiB).buffer).toBe(regions[0]?.buffer);
    expect(arena.take(MiB).buffer).not.toBe(regions[2]?.buffer);
    expect(arena.freeBytes).toBe(3 * MiB);
  });

  it("keeps no more than its cap: the region that was free longest goes first, a larger one is not kept", () => {
    const arena = new Arena({ maxFree: 3 * MiB });
    const regions = [MiB, MiB, MiB, MiB].map((size) => arena.take(size));
    for (const region of regions) region.free();
    expect(arena.freeBytes).toBe(3 * MiB);
    const again = [MiB, MiB, MiB].map((size) => arena.take(size).buffer);
    expect(again).not.toContain(regions[0]?.buffer);
    arena.take(4 * MiB).free();
    expect(arena.freeBytes).toBe(0);
  });

  it("drops a region that has been free for 10 s, and sets no timer when none is left", () => {
    const clock = new Watch();
    const arena = new Arena({ clock });
    const [first, second] = [arena.take(MiB), arena.take(2 * MiB)];
    first.free();
    clock.move(6_000);
    second.free();
    expect(clock.timers).toBe(1);
    clock.move(4_000);
    expect(arena.freeBytes).toBe(2 * MiB);
    clock.move(5_999);
    expect(arena.freeBytes).toBe(2 * MiB);
    clock.move(1);
    expect([arena.freeBytes, clock.timers]).toEqual([0, 0]);
  });

  it("keeps a region that is used again and again", () => {
    const clock = new Watch();
    const arena = new Arena({ clock });
    const { buffer, free } = arena.take(MiB);
    free();
    for (let round = 0; round < 10; round++) {
      clock.move(5_000);
      const region = arena.take(MiB);
      expect(region.buffer).toBe(buffer);
      region.free();
    }
  });
});
