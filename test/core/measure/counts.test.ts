// Counting by state.
import fc from "fast-check";
import { expect, it } from "vitest";
import { Counts } from "../../../src/core/measure/counts.js";
import { codeOf, states, type TaskState } from "../../../src/core/states.js";

const state = fc.constantFrom(...states);

it("counts as a plain record does", () => {
  const move = fc.record({ from: fc.option(state), to: state });
  fc.assert(
    fc.property(fc.array(move, { maxLength: 100, size: "max" }), (moves) => {
      const counts = new Counts();
      const plain = Object.fromEntries(states.map((each) => [each, 0])) as Record<TaskState, number>;
      for (const { from, to } of moves) {
        if (from === null) counts.enter(codeOf(to));
        else counts.move(codeOf(from), codeOf(to));
        if (from !== null) plain[from]--;
        plain[to]++;
      }
      expect(counts.all()).toEqual(plain);
      for (const each of states) expect(counts.in(each)).toBe(plain[each]);
    }),
  );
});

it("gives a picture of the moment, which later changes leave as it is", () => {
  const counts = new Counts();
  counts.enter(codeOf("held"));
  const picture = counts.all();
  counts.move(codeOf("held"), codeOf("queued"));
  expect(picture).toMatchObject({ held: 1, queued: 0 });
});
