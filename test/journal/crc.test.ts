import { randomBytes } from "node:crypto";
import { crc32 as zlibCrc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crc32 } from "../../src/journal/format/crc.js";
import { RangeCrc } from "../../src/journal/format/range-crc.js";

it("is the CRC-32 that the format describes", () => {
  expect(crc32(Buffer.from("123456789"), 0, 9)).toBe(0xcbf43926);
});

it("is that of zlib for every length and place, on both sides of where zlib takes over", () => {
  const bytes = Buffer.from(Array.from({ length: 600 }, (_, index) => (index * 167) ^ (index >>> 3)));
  for (let start = 0; start < 9; start++) {
    for (let end = start; end <= bytes.length; end++) {
      expect(crc32(bytes, start, end)).toBe(zlibCrc32(bytes.subarray(start, end)));
    }
  }
});

describe("the CRC of a range", () => {
  it("is that of its bytes, wherever it begins and however long it is", () => {
    const bytes = randomBytes(300_000);
    const ranges = new RangeCrc(bytes);
    fc.assert(
      fc.property(fc.nat(bytes.length), fc.nat(bytes.length), (one, other) => {
        const [start, end] = one < other ? [one, other] : [other, one];
        const value = zlibCrc32(bytes.subarray(start, end));
        expect(ranges.holds(start, end, value)).toBe(true);
        expect(ranges.holds(start, end, value ^ 1)).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });
});
