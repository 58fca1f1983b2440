// Which name a misspelled one meant, and when it is better to say nothing.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nearest } from "../../src/base/nearest.js";

const known = ["optimizeImage", "sendMail", "renderPdf", "recordStatistics"];

describe("the nearest known name", () => {
  it.each([
    ["optimiseImage", "optimizeImage"],
    ["optimizeimage", "optimizeImage"],
    ["OPTIMIZEIMAGE", "optimizeImage"],
    ["sendMial", "sendMail"],
    ["sendmails", "sendMail"],
    ["renderPDF", "renderPdf"],
    ["recordStats", undefined],
    ["deleteUser", undefined],
    ["", undefined],
  ])("of %s is %s", (name, meant) => {
    expect(nearest(name, known)).toBe(meant);
  });

  it("is the nearer of two that are near", () => {
    expect(nearest("sendMails", ["sendMailed", "sendMail"])).toBe("sendMail");
  });

  it("is none where nothing is known", () => {
    expect(nearest("sendMail", [])).toBeUndefined();
  });

  it("for a name of three letters is at most one letter off", () => {
    expect(nearest("cet", ["cat"])).toBe("cat");
    expect(nearest("cet", ["cab"])).toBeUndefined();
  });

  it("finds a name with one letter added, left out or changed", () => {
    const slip = fc.record({
      at: fc.nat(),
      kind: fc.constantFrom("add", "leave out", "change"),
      name: fc.constantFrom(...known),
    });
    fc.assert(
      fc.property(slip, ({ at, kind, name }) => {
        const index = at % name.length;
        const [before, after] = [name.slice(0, index), name.slice(index)];
        const wrong =
          kind === "add"
            ? `${before}x${after}`
            : kind === "change"
              ? `${before}x${after.slice(1)}`
              : before + after.slice(1);
        expect(nearest(wrong, known)).toBe(name);
      }),
    );
  });

  it("counts letters as the textbook does", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 7 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const isNear = distance(a, b) <= Math.floor(Math.max(a.length, 3) / 3);
        expect(nearest(a, [b])).toBe(isNear ? b : undefined);
      }),
    );
  });
});

/** Levenshtein's definition, word for word. */
function distance(a: string, b: string): number {
  if (a === "" || b === "") return Math.max(a.length, b.length);
  const [restA, restB] = [a.slice(1), b.slice(1)];
  if (a[0] === b[0]) return distance(restA, restB);
  return 1 + Math.min(distance(restA, b), distance(a, restB), distance(restA, restB));
}
