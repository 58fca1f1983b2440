import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JsonWriter } from "../../src/journal/format/json.js";

const writer = new JsonWriter();

function written(...values: unknown[]): string | undefined {
  const bytes = writer.write(values);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
}

describe("the JSON of a payload", () => {
  it("is that of JSON.stringify(), byte by byte", () => {
    // Without -0, which JSON.stringify() loses and which is therefore left to V8.
    const anything = fc
      .jsonValue({ maxDepth: 5, stringUnit: "binary" })
      .map((value) => JSON.parse(JSON.stringify(value)));
    fc.assert(
      fc.property(anything, fc.string({ unit: "binary", maxLength: 200 }), (value, text) => {
        const values = [value, { [`_${text}`]: text }];
        expect(written(...values)).toBe(JSON.stringify(values));
      }),
      { numRuns: 2_000 },
    );
  });

  it("escapes what JSON escapes, in texts of every length and in keys", () => {
    for (const odd of ['"', "\\", "\n", "\u0000", "\u001f", "\u007f", "\u2028", "é", "𝄞", "\ud834", "\udd1e"]) {
      for (const length of [0, 1, 63, 64, 65, 300]) {
        const text = "a".repeat(length) + odd;
        expect(written({ [text]: text })).toBe(JSON.stringify([{ [text]: text }]));
      }
    }
  });

  it("grows with the payload, whatever brings it over the edge, and is small again afterwards", () => {
    for (const unit of ["a", "é", "\n", "𝄞"]) {
      for (let length = 4_080; length < 4_100; length++) {
        const payload = [unit.repeat(length), true, { b: [1, null] }];
        expect(written(payload)).toBe(JSON.stringify([payload]));
        expect(written("a".repeat(50), payload)).toBe(JSON.stringify(["a".repeat(50), payload]));
      }
    }
    const large = { html: "é".repeat(200_000) };
    expect(written(large)).toBe(JSON.stringify([large]));
    expect(written(1)).toBe("[1]");
    expect(writer.write([1])?.buffer.byteLength).toBe(4_096);
  });

  it("gives up in the middle of a payload, and writes the next one from its beginning", () => {
    expect(written({ a: 1, b: [2, { c: undefined }] })).toBeUndefined();
    expect(written(null)).toBe("[null]");
  });
});
