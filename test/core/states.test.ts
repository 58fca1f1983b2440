// The ways between the states, each allowed one and no other.
import { describe, expect, it } from "vitest";
import {
  codeOf,
  mayFollow as followsByCode,
  isFinal,
  states,
  type TaskState,
  unfinishedStates,
} from "../../src/core/states.js";

function mayFollow(from: TaskState, to: TaskState): boolean {
  return followsByCode(codeOf(from), codeOf(to));
}

const allowed: Record<TaskState, readonly TaskState[]> = {
  held: ["queued", "failed", "cancelled", "skipped", "abandoned"],
  queued: ["running", "failed", "cancelled", "abandoned", "forwarded"],
  running: ["queued", "delayed", "succeeded", "failed", "cancelled", "abandoned", "forwarded"],
  delayed: ["queued", "failed", "cancelled", "abandoned", "forwarded"],
  succeeded: [],
  failed: [],
  cancelled: [],
  skipped: [],
  abandoned: [],
  forwarded: [],
};

describe("the states of a task", () => {
  it("are these, each once", () => {
    expect([...states].sort()).toEqual(Object.keys(allowed).sort());
  });

  it.each(states)("from %s the allowed ways are open, and no others", (from) => {
    expect(states.filter((to) => mayFollow(from, to)).sort()).toEqual([...allowed[from]].sort());
  });

  it("are final where no way leads on, and unfinished where one does", () => {
    expect(states.filter(isFinal).sort()).toEqual([
      "abandoned",
      "cancelled",
      "failed",
      "forwarded",
      "skipped",
      "succeeded",
    ]);
    expect([...unfinishedStates].sort()).toEqual(states.filter((state) => !isFinal(state)).sort());
  });

  it("can all be reached from held, and an end from each", () => {
    expect([...reachableFrom("held")].sort()).toEqual([...states].sort());
    for (const state of unfinishedStates) expect([...reachableFrom(state)].some(isFinal)).toBe(true);
  });

  it("only one that is skipped was never queued", () => {
    expect(states.filter((from) => mayFollow(from, "skipped"))).toEqual(["held"]);
  });

  it("a name that is no state follows nothing and is followed by nothing", () => {
    expect(mayFollow("held", "lost" as TaskState)).toBe(false);
    expect(mayFollow("lost" as TaskState, "queued")).toBe(false);
  });
});

function reachableFrom(state: TaskState, found: Set<TaskState> = new Set()): Set<TaskState> {
  if (found.has(state)) return found;
  found.add(state);
  for (const to of states) if (mayFollow(state, to)) reachableFrom(to, found);
  return found;
}
