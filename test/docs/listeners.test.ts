// What docs/events.md says of listeners: when they are called, what they may do, and that they do not silence the log.
import { describe, expect, it } from "vitest";
import { rejection, watch } from "../support/offloader.js";

describe("the events of a call", () => {
  it("are delivered before it returns, in the order of the changes", () => {
    const { offloader, recorded } = watch();
    const replaced = offloader.offload("nothing", undefined, { key: "k" });
    const before = recorded.length;
    const last = offloader.offload("nothing", undefined, { key: "k", onDuplicate: "replace" });
    expect(recorded.slice(before).map(({ event, id }) => [event, id])).toEqual([
      ["accepted", last.id],
      ["cancelled", replaced.id],
      ["queued", last.id],
    ]);
  });

  it("come after those that wait already, where a listener made the call", () => {
    const { offloader, recorded } = watch();
    offloader.on("cancelled", () => void offloader.offload("nothing"));
    const handle = offloader.offload("nothing");
    // Registered after the listeners of the test's own, which write down what they hear.
    offloader.on("accepted", () => void handle.cancel());
    offloader.offload("nothing");
    expect(recorded.map(({ event }) => event)).toEqual([
      "accepted",
      "queued",
      "accepted",
      "queued",
      "cancelled",
      "accepted",
      "queued",
    ]);
  });
});

describe("a failure", () => {
  it("is logged although somebody listens to `failed`", async () => {
    const watched = watch();
    await rejection(watched.offloader.run("fails"));
    expect(watched.lines.map(({ message }) => message)).toContain("task failed");
  });

  it('is not logged with log: { ended: "none" }', async () => {
    const watched = watch("tasks.mjs", { log: { ended: "none" } });
    await rejection(watched.offloader.run("fails"));
    await watched.offloader.close();
    expect(watched.lines.map(({ message }) => message)).not.toContain("task failed");
  });
});
