// What must be true of every accepted task, whatever listeners did: a way through the states, and exactly one end.
import { expect } from "vitest";
import { codeOf, isFinal, mayFollow, type TaskState } from "../../src/core/states.js";

const stateOf: Readonly<Record<string, TaskState>> = {
  accepted: "held",
  queued: "queued",
  started: "running",
  retrying: "delayed",
};

/** Expects the names of one task's events to tell a whole life: from `accepted` on, each allowed after the one before. */
export function expectWholeLife(story: readonly string[]): void {
  const recorded = `the story ${story.join(", ")}`;
  expect(story[0], recorded).toBe("accepted");
  let state: TaskState = "held";
  for (const event of story.slice(1)) {
    if (event === "progress") {
      expect(state, recorded).toBe("running");
      continue;
    }
    const next = stateOf[event] ?? (event as TaskState);
    expect(mayFollow(codeOf(state), codeOf(next)), recorded).toBe(true);
    state = next;
  }
  expect(isFinal(state), recorded).toBe(true);
}
