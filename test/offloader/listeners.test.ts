// Listeners and functions of the user's that act on tasks while they are told of others: every move is complete before.
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { TaskHandle } from "offload-after-response";
import { describe, expect, it } from "vitest";
import { Gate } from "../support/gate.js";
import { handedOver, rejection, watch } from "../support/offloader.js";
import { blockUntil } from "../support/until.js";

const pool = { maxThreads: 1, abortGrace: 100 };

describe("a listener", () => {
  it("of the end of a replaced task may cancel one in its place, and the others are still known", async () => {
    const { offloader, story } = withStory(watch("stopping.mjs", { pool }));
    const gate = new Gate();
    const running = offloader.offload("deaf", { gate: gate.memory });
    await gate.arrival();
    offloader.on("cancelled", ({ id }) => {
      if (id === first.id) offloader.offload("nothing", undefined, { key: "k" }).cancel("by the listener");
    });
    const first = offloader.offload("nothing", undefined, { key: "k" });
    const second = offloader.offload("nothing", undefined, { key: "k", onDuplicate: "replace" });
    // The second is there when the end of the first is told: the listener's dispatch with its key is the second itself.
    expect([first.state, second.state]).toEqual(["cancelled", "cancelled"]);
    expect(story(second.id)).toEqual(["accepted", "queued", "cancelled"]);
    expect((await offloader.drain({ timeout: 0 })).unfinished.map(({ id }) => id)).toEqual([running.id]);
    gate.open();
    expect(await offloader.drain()).toEqual({ drained: true, unfinished: [] });
  });

  it("that changes the context it is given changes it for no other event and not for the task", async () => {
    const watched = watch("talks.mjs", { pool, context: () => ({ request: "r-1" }) });
    watched.offloader.on("accepted", ({ context }) => {
      (context as { request: string }).request = "changed";
    });
    await watched.offloader.run("logs", { lines: [["info", "seen"]] });
    expect((await watched.line(/^seen$/)).fields.context).toEqual({ request: "r-1" });
    const succeeded = await watched.event("succeeded");
    expect(succeeded.context).toEqual({ request: "r-1" });
  });

  it("of one abandoned task comes too late to cancel those that were abandoned with it", async () => {
    const { offloader } = watch("stopping.mjs", { pool });
    const gate = new Gate();
    const handles = [1, 2, 3].map(() => offloader.offload("deaf", { gate: gate.memory }));
    await gate.arrival();
    offloader.on("abandoned", () => {
      for (const handle of handles) handle.cancel();
    });
    const report = await offloader.close({ timeout: 100 });
    const states = handles.map(({ state }) => state);
    expect(states).toEqual(["abandoned", "abandoned", "abandoned"]);
    expect(report.abandoned.map(({ id }) => id).sort()).toEqual(handles.map(({ id }) => id).sort());
  });

  it("of one failure comes too late to cancel those that failed with it, when the module cannot be loaded", async () => {
    const { offloader, ends } = withStory(watch(new URL("./there-is-none.mjs", import.meta.url), { pool }));
    const handles = [1, 2, 3].map(() => offloader.offload("nothing"));
    offloader.on("failed", () => {
      for (const handle of handles) handle.cancel();
    });
    await rejection(offloader.ready());
    await offloader.idle();
    expect(handles.map(({ id }) => ends(id))).toEqual([["failed"], ["failed"], ["failed"]]);
  });

  it("of the drain may close, too: there is one", async () => {
    const { offloader, recorded } = watch("stopping.mjs", { pool });
    const reports: unknown[] = [];
    offloader.on("draining", () => void offloader.close().then((report) => reports.push(report)));
    const report = await offloader.close();
    await handedOver();
    expect(reports).toEqual([report]);
    expect(reports[0]).toBe(report);
    expect(recorded.filter(({ event }) => event === "drained")).toHaveLength(1);
  });

  it("of a start cannot cancel another task that has ended on its thread", async () => {
    const { offloader } = watch("tasks.mjs", { pool });
    const gate = new Gate();
    await offloader.run("nothing");
    const ended = offloader.offload("tiny", { waitsFor: gate.memory, value: 1 });
    await gate.arrival();
    gate.open();
    // Blocks this thread until the other one has long ended the task, of which nothing is heard meanwhile.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    const answers: boolean[] = [];
    offloader.on("started", () => void answers.push(ended.cancel()));
    offloader.offload("nothing");
    await Promise.resolve();
    await offloader.idle();
    expect(await ended.result()).toBe(1);
    expect(answers).toEqual([false]);
  });

  it("of one task's end may cancel another that failed in the same batch: it is not tried again", async () => {
    const watched = watch("tasks.mjs", { pool });
    const { offloader } = watched;
    await watched.expectTiny("tiny");
    const gate = new Gate();
    const first = offloader.offload("tiny");
    const other = offloader.offload("tiny", { comesTo: gate.memory, throws: "no" }, { attempts: 3, backoff: 0 });
    const answers: boolean[] = [];
    offloader.on("succeeded", ({ id }) => {
      if (id === first.id) answers.push(other.cancel());
    });
    await Promise.resolve();
    // Nothing is heard of the first before the other has failed: it would be cancelled before that.
    blockUntil(() => gate.arrived === 1);
    Atomics.wait(gate.memory, 0, 0, 50);
    await offloader.idle();
    expect(answers).toEqual([true]);
    expect(watched.story(other.id)).toEqual(["accepted", "queued", "started", "retrying", "cancelled"]);
  });

  it("of one task's end may cancel another that its thread ran when it died: it is not run again", async () => {
    const watched = watch("tasks.mjs", { pool: { ...pool, concurrentTasksPerThread: 3 } });
    const { offloader } = watched;
    const gate = new Gate();
    const others = [0, 1].map(() => offloader.offload("waiting", { gate: gate.memory }));
    await gate.arrival(2);
    // The end of what was sent last is told first.
    const aborted = offloader.offload("waiting", { gate: gate.memory });
    await gate.arrival(3);
    const answers: boolean[] = [];
    offloader.on("cancelled", ({ id }) => {
      if (id === aborted.id) answers.push(...others.map((other) => other.cancel()));
    });
    // It does not listen, and its thread is terminated for it.
    aborted.cancel();
    await offloader.idle();
    expect(answers).toEqual([true, true]);
    for (const { id } of others)
      expect(watched.story(id)).toEqual(["accepted", "queued", "started", "queued", "cancelled"]);
  });
});

describe("the context function", () => {
  it("may dispatch with the key of the call it is asked for: one of the two is accepted", async () => {
    let isInner = true;
    const watched = watch("tasks.mjs", { pool, context: () => nested() });
    const nested = (): void => {
      if (isInner) return;
      isInner = true;
      watched.offloader.offload("nothing", undefined, { key: "k" });
    };
    isInner = false;
    watched.offloader.offload("nothing", undefined, { key: "k" });
    await watched.offloader.idle();
    expect(watched.recorded.filter(({ event }) => event === "accepted")).toHaveLength(1);
  });
});

describe("a runIf predicate that cancels its task", () => {
  it.each([true, false])("has the last word when it then says %s", async (answer) => {
    const { offloader, story } = withStory(watch("tasks.mjs", { pool: { maxThreads: 2 } }));
    const response = new ServerResponse(new IncomingMessage(new Socket()));
    const runIf = () => {
      handle.cancel();
      return answer;
    };
    const handle: TaskHandle = offloader.offloadAfterResponse(response, "nothing", undefined, { runIf });
    response.emit("close");
    await offloader.idle();
    expect(story(handle.id)).toEqual(["accepted", "cancelled"]);
    // A place in the queue that is counted and empty would ask for a second thread.
    await offloader.run("nothing");
    await offloader.run("nothing");
    expect(offloader.stats().threads.total).toBe(1);
  });
});

/** With its functions to be taken apart. */
function withStory(watched: ReturnType<typeof watch>) {
  return {
    offloader: watched.offloader,
    story: (id: string) => watched.story(id),
    ends: (id: string) => watched.ends(id),
  };
}
