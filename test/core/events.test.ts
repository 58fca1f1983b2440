// The emitter: who is told, in which order, and that a listener cannot break anything.
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Events } from "../../src/core/events.js";

function create(): { events: Events; reported: [unknown, string][] } {
  const reported: [unknown, string][] = [];
  return { events: new Events((error, name) => void reported.push([error, name])), reported };
}

const draining = { unfinished: 3 };

describe("events", () => {
  it("reach every listener of their name, in the order of registration, and no other", () => {
    const { events } = create();
    const heard: unknown[] = [];
    events.on("draining", (event) => void heard.push(["first", event]));
    events.on("draining", (event) => void heard.push(["second", event]));
    events.on("drained", (event) => void heard.push(["other", event]));
    events.emit("draining", draining);
    expect(heard).toEqual([
      ["first", draining],
      ["second", draining],
    ]);
  });

  it("have somebody to tell from the first listener on until the last is removed", () => {
    const { events } = create();
    expect(events.has("draining")).toBe(false);
    const removals = [events.on("draining", () => {}), events.on("draining", () => {})];
    for (const remove of removals) {
      expect(events.has("draining")).toBe(true);
      remove();
      remove();
    }
    expect(events.has("draining")).toBe(false);
    events.emit("draining", draining);
  });

  it("a listener removed is told no more, the others are", () => {
    const { events } = create();
    const heard: string[] = [];
    const remove = events.on("draining", () => void heard.push("removed"));
    events.on("draining", () => void heard.push("left"));
    remove();
    events.emit("draining", draining);
    expect(heard).toEqual(["left"]);
  });

  it("the same function registered twice is told twice, and removed one registration at a time", () => {
    const { events } = create();
    let told = 0;
    const listener = () => void told++;
    const remove = events.on("draining", listener);
    events.on("draining", listener);
    events.emit("draining", draining);
    expect(told).toBe(2);
    remove();
    events.emit("draining", draining);
    expect(told).toBe(3);
  });

  it("a listener that throws is reported, and the next is told all the same", () => {
    const { events, reported } = create();
    const heard: unknown[] = [];
    const broken = new Error("broken");
    events.on("draining", () => {
      throw broken;
    });
    events.on("draining", (event) => void heard.push(event));
    events.emit("draining", draining);
    expect(heard).toEqual([draining]);
    expect(reported).toEqual([[broken, "draining"]]);
  });

  it("a listener that rejects is reported, and is no unhandledRejection", async () => {
    const { events, reported } = create();
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    events.on("draining", async () => {
      await turn();
      throw "rejected";
    });
    events.emit("draining", draining);
    await turn();
    await turn();
    process.off("unhandledRejection", note);
    expect(reported).toEqual([["rejected", "draining"]]);
    expect(unhandled).toEqual([]);
  });

  it("a listener added or removed by a listener changes the next event, not this one", () => {
    const { events } = create();
    const heard: string[] = [];
    events.on("draining", () => {
      removeSecond();
      events.on("draining", () => void heard.push("late"));
    });
    const removeSecond = events.on("draining", () => void heard.push("second"));
    events.emit("draining", draining);
    expect(heard).toEqual(["second"]);
    events.emit("draining", draining);
    expect(heard).toEqual(["second", "late"]);
  });
});
