// Run to completion, then tell: whatever a listener or another function of the user's does, nothing is lost, every accepted
// task ends once, and each task's events tell a whole life.
import fc from "fast-check";
import type { EventName, TaskHandle } from "offload-after-response";
import { describe, expect, it } from "vitest";
import { OffloadError } from "../../src/base/errors.js";
import { expectWholeLife } from "../support/life.js";
import { Watched, type WatchedOptions, watch } from "../support/offloader.js";
import { makeResponse } from "../support/responses.js";

/** What a listener may do with an offloader. */
type Action = "cancels" | "dispatches" | "closes";
const actions: readonly Action[] = ["cancels", "dispatches", "closes"];

/** A batch in which every kind of end occurs, and who was accepted. */
class Batch {
  readonly handles: TaskHandle[] = [];
  #acted = 0;

  constructor(readonly watched: Watched) {}

  /** Cancels half of what there is, dispatches, or closes; a few times, so that it comes to an end. */
  act(action: Action): void {
    if (this.#acted++ >= 3) return;
    const { offloader } = this.watched;
    if (action === "closes") void offloader.close({ timeout: 2_000 });
    else if (action === "dispatches") this.add(() => offloader.offload("tiny", { value: "by a listener" }));
    else for (const [index, handle] of this.handles.entries()) if (index % 2 === this.#acted % 2) handle.cancel();
  }

  /** A call that may be refused, as every call may be. */
  add(call: () => TaskHandle): void {
    try {
      this.handles.push(call());
    } catch (error) {
      if (!(error instanceof OffloadError && error.code === "AR_SHUTTING_DOWN")) throw error;
    }
  }

  dispatchAll(also: Parameters<Watched["offloader"]["offload"]>[2] = {}): void {
    const { offloader } = this.watched;
    const { response, over } = makeResponse();
    for (const value of [1, 2, 3]) this.add(() => offloader.offload("tiny", { value, reports: true }, also));
    this.add(() => offloader.offload("fails", {}, also));
    this.add(() => offloader.offload("failsOnAttempt", { attempts: [1] }, { attempts: 2, backoff: 0, ...also }));
    this.add(() => offloader.offload("failsOnAttempt", { attempts: [1, 2] }, { attempts: 2, backoff: 1, ...also }));
    for (const key of ["k", "k", "k"]) {
      this.add(() => offloader.offload("tiny", { value: key }, { key, onDuplicate: "replace", ...also }));
    }
    this.add(() => offloader.offloadAfterResponse(response, "tiny", {}, { runIf: "sent", ...also }));
    this.add(() => offloader.offloadAfterResponse(response, "tiny", {}, also));
    this.add(() => offloader.runAfterResponse(response, () => "called"));
    this.add(() =>
      offloader.runAfterResponse(response, () => {
        throw new Error("callback");
      }),
    );
    over();
    this.handles[1]?.cancel();
  }

  async expectNothingLost(): Promise<void> {
    const { watched, handles } = this;
    const { offloader } = watched;
    await offloader.idle();
    await offloader.close();
    const accepted = watched.recorded.filter(({ event }) => event === "accepted").map(({ id }) => id);
    expect(new Set(handles.map(({ id }) => id))).toEqual(new Set(accepted));
    for (const handle of handles) {
      const story = watched.story(handle.id);
      expectWholeLife(story);
      expect(story.at(-1)).toBe(handle.state);
    }
    const { unfinished, bytes, succeeded, failed, cancelled, skipped, abandoned } = offloader.stats();
    expect({ unfinished, bytes }).toEqual({ unfinished: 0, bytes: 0 });
    expect(succeeded + failed + cancelled + skipped + abandoned).toBe(accepted.length);
    expect(watched.lines.filter(({ message }) => message === "a listener failed")).toEqual([]);
  }
}

function start(options: WatchedOptions = {}): Batch {
  return new Batch(watch("tasks.mjs", { pool: { maxThreads: 1, abortGrace: 20 }, ...options }));
}

const events: readonly EventName[] = [
  ...(["accepted", "queued", "started", "progress", "retrying"] as const),
  ...(["succeeded", "failed", "cancelled", "skipped"] as const),
  ...(["threadStarted", "draining"] as const),
];

describe.each(events)("a listener of %s", (event) => {
  it.each(actions)("that %s loses nothing", async (action) => {
    const batch = start();
    batch.watched.offloader.on(event, () => batch.act(action));
    batch.dispatchAll();
    await batch.expectNothingLost();
    expect(batch.watched.recorded.some((recorded) => recorded.event === event)).toBe(true);
  });
});

describe("a listener of abandoned", () => {
  it.each(actions)("that %s loses nothing", async (action) => {
    const batch = start();
    const { offloader } = batch.watched;
    offloader.on("abandoned", () => batch.act(action));
    for (const backoff of [60_000, 60_000, 60_000])
      batch.add(() => offloader.offload("fails", {}, { attempts: 2, backoff }));
    await batch.watched.events("retrying", 3);
    await offloader.close({ timeout: 20 });
    await batch.expectNothingLost();
    expect(batch.handles.filter(({ state }) => state === "abandoned")).toHaveLength(3);
  });
});

describe.each(actions)("a function of the user's that %s loses nothing", (action) => {
  it("as backoff", async () => {
    const batch = start();
    const backoff = (): number => {
      batch.act(action);
      return 0;
    };
    batch.dispatchAll({ attempts: 2, backoff });
    await batch.expectNothingLost();
  });

  it.each([true, false])("as a runIf predicate that says %s", async (answer) => {
    const batch = start();
    const runIf = (): boolean => {
      batch.act(action);
      return answer;
    };
    batch.dispatchAll({ runIf });
    await batch.expectNothingLost();
  });

  it("as the context function", async () => {
    let isReady = false;
    const batch = start({
      context: () => {
        if (isReady) batch.act(action);
      },
    });
    isReady = true;
    batch.dispatchAll();
    await batch.expectNothingLost();
  });

  it("as the logger", async () => {
    const batch = start();
    batch.watched.onLine = () => batch.act(action);
    batch.dispatchAll();
    await batch.expectNothingLost();
  });
});

it("nothing is lost, whatever listeners do at whichever events", async () => {
  const reaction = fc.record({ event: fc.constantFrom(...events), action: fc.constantFrom(...actions) });
  await fc.assert(
    fc.asyncProperty(fc.array(reaction, { minLength: 1, maxLength: 6 }), async (reactions) => {
      const batch = new Batch(new Watched("tasks.mjs", { pool: { maxThreads: 1, abortGrace: 20 } }));
      for (const { event, action } of reactions) batch.watched.offloader.on(event, () => batch.act(action));
      batch.dispatchAll();
      await batch.expectNothingLost();
    }),
    { numRuns: 15 },
  );
});
