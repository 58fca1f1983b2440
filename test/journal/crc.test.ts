import { crc32 as zlibCrc32 } from "node:zlib";
import { expect, it } from "vitest";
import { crc32 } from "../../src/journal/format/crc.js";

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
