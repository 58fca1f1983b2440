// A long array is what a client sends most easily: it costs no more than structured clone, and keeps what it has beside its items.
import { describe, expect, it } from "vitest";
import { capture, copy } from "../../../src/core/payload/capture.js";
import { isBytes } from "../../../src/core/payload/payload.js";

const rounds = 100;

/**
 * How many times as long one takes as another at its quickest. They take turns until it is few enough, because on a busy machine any of
 * them may be interrupted.
 */
function ratio(run: () => void, to: () => void, enough: number): number {
  const quickest = { run: Number.POSITIVE_INFINITY, to: Number.POSITIVE_INFINITY };
  for (let round = 0; round < rounds && (round < 9 || quickest.run >= enough * quickest.to); round++) {
    const startedAt = performance.now();
    run();
    const between = performance.now();
    to();
    quickest.run = Math.min(quickest.run, between - startedAt);
    quickest.to = Math.min(quickest.to, performance.now() - between);
  }
  return quickest.run / quickest.to;
}

describe("a long array", () => {
  it.each<[string, unknown[]]>([
    ["numbers", Array.from({ length: 200_000 }, (_, index) => index * 1.1)],
    ["strings", Array.from({ length: 100_000 }, (_, index) => `s${index}`)],
    ["wide strings", Array.from({ length: 50_000 }, (_, index) => `ü€${index}`)],
  ])("of %s costs at most twice what structured clone does", (_, list) => {
    const ours = (): void => {
      const captured = capture({ list });
      if (isBytes(captured)) captured.release();
    };
    expect(ratio(ours, () => structuredClone({ list }), 2)).toBeLessThan(2);
  });

  it.each([129, 1_000, 100_000])("keeps the fields beside its %i items", (length) => {
    const list = new Array(length).fill(1);
    expect(Object.keys(copy(list) as unknown[])).toHaveLength(length);
    let calls = 0;
    Object.defineProperty(list, "got", { enumerable: true, get: () => ++calls });
    Object.assign(list, { "forged: '": `[ ... ${length} more items ]` });
    const arrived = copy(list) as unknown[];
    expect(Object.keys(arrived).slice(length)).toEqual(["got", "forged: '"]);
    expect(arrived).toMatchObject({ got: 1 });
    expect(calls).toBe(1);
  });

  it("keeps its holes, and what an instance of a class or a proxy of one has", () => {
    class Rows extends Array<number> {}
    const holes: number[] = new Array(1_000).fill(1);
    delete holes[7];
    const rows = Object.assign(Rows.from(holes), { extra: 1 });
    const proxy = new Proxy(Object.assign([...holes], { extra: 2 }), {});
    const arrived = copy({ holes, rows, proxy }) as { holes: number[]; rows: unknown; proxy: unknown };
    expect(7 in arrived.holes).toBe(false);
    expect(arrived.rows).toMatchObject({ length: 1_000, extra: 1 });
    expect(arrived.proxy).toMatchObject({ length: 1_000, extra: 2 });
  });
});
