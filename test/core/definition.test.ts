// What is expected of a name's next run: up at once, down slowly.
import { describe, expect, it } from "vitest";
import { defineTask } from "../support/tasks.js";

describe("the expected time of a task", () => {
  it("is unknown before the first run, and then that run's", () => {
    const definition = defineTask();
    expect(definition.expectedMs).toBeUndefined();
    definition.measured(8);
    expect(definition.expectedMs).toBe(8);
  });

  it("follows a longer run by half of the way, a shorter one by a tenth", () => {
    const definition = defineTask();
    definition.measured(10);
    definition.measured(20);
    expect(definition.expectedMs).toBe(15);
    definition.measured(5);
    expect(definition.expectedMs).toBe(14);
  });

  it("comes near to what all runs take, from either side", () => {
    for (const first of [0.001, 1_000]) {
      const definition = defineTask();
      definition.measured(first);
      for (let run = 0; run < 200; run++) definition.measured(5);
      expect(definition.expectedMs).toBeCloseTo(5, 3);
    }
  });
});
