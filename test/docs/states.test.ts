// docs/states.md and the table of states say the same: the diagram, the meaning of each state, a sentence for each way.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { codeOf, isFinal, mayFollow, states } from "../../src/core/states.js";

const text = readFileSync(new URL("../../docs/states.md", import.meta.url), "utf8");
const diagram = /```mermaid\n([\s\S]*?)```/.exec(text)?.[1] ?? "";

/** Every way that the code allows, as "from to". */
const ways = states.flatMap((from) => {
  return states.filter((to) => mayFollow(codeOf(from), codeOf(to))).map((to) => `${from} ${to}`);
});

describe("docs/states.md", () => {
  it("draws every way from one state to another, and no other", () => {
    const drawn = [...diagram.matchAll(/^ {2}(\w+) --> (\w+)$/gm)].map(([, from, to]) => `${from} ${to}`);
    expect(drawn.sort()).toEqual([...ways].sort());
  });

  it("draws where a life begins, and where it may end", () => {
    const arrows = [...diagram.matchAll(/^ {2}(\S+) --> (\S+)$/gm)].map(([, from, to]) => [from, to]);
    expect(arrows.filter(([from]) => from === "[*]")).toEqual([["[*]", "held"]]);
    const ends = arrows.filter(([, to]) => to === "[*]").map(([from]) => from);
    expect(ends.sort()).toEqual(states.filter(isFinal).sort());
    // Nothing in the diagram that the two tests have not looked at.
    expect(diagram.trim().split("\n")).toHaveLength(1 + arrows.length);
  });

  it("says of each state what it means, and whether it is final", () => {
    const rows = [...text.matchAll(/^\| `(\w+)` \| (final|unfinished) \| (.+) \|$/gm)];
    expect(rows.map(([, state, end]) => [state, end])).toEqual(
      states.map((state) => [state, isFinal(state) ? "final" : "unfinished"]),
    );
    expect(rows.filter(([, , , meaning = ""]) => meaning.trim() === "")).toEqual([]);
  });

  it("has a sentence for every way, and for no other", () => {
    const sentences = [...text.matchAll(/^- `(\w+)` → `(\w+)`: (.+)$/gm)];
    expect(sentences.map(([, from, to]) => `${from} ${to}`).sort()).toEqual([...ways].sort());
    expect(sentences.filter(([, , , sentence = ""]) => !/^\S.{15,}\.$/.test(sentence))).toEqual([]);
  });
});
