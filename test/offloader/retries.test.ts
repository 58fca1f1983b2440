// attempts and backoff, as the task and the main thread see them.
import { describe, expect, it } from "vitest";
import { rejection, watch, watchKept } from "../support/offloader.js";

const options = { pool: { maxThreads: 1 } };

describe("a task that fails with attempts left", () => {
  it("is run again, and knows the number of its attempt", async () => {
    const watched = watch("tasks.mjs", options);
    const handle = watched.offloader.offload("failsOnAttempt", { attempts: [1, 2] }, { attempts: 3, backoff: 0 });
    expect(await handle.result()).toEqual({ attempt: 3, id: handle.id });
    expect(watched.story(handle.id)).toEqual([
      "accepted",
      ...["queued", "started", "retrying"],
      ...["queued", "started", "retrying"],
      ...["queued", "started", "succeeded"],
    ]);
    const attempts = watched.recorded.filter(({ event, id }) => event === "retrying" && id === handle.id);
    expect(attempts.map(({ attempt, error }) => [attempt, (error as Error).message])).toEqual([
      [1, "failed on attempt 1"],
      [2, "failed on attempt 2"],
    ]);
  });

  it("fails with its last error once it has none left", async () => {
    const watched = watch("tasks.mjs", options);
    const handle = watched.offloader.offload("failsOnAttempt", { attempts: [1, 2] }, { attempts: 2, backoff: 0 });
    expect((await rejection(handle.result())).message).toBe("failed on attempt 2");
    expect(watched.ends(handle.id)).toEqual(["failed"]);
  });

  it("is delayed meanwhile, and lets others run", async () => {
    const watched = watch("tasks.mjs", options);
    const handle = watched.offloader.offload("failsOnAttempt", { attempts: [1] }, { attempts: 2, backoff: 50 });
    expect(await watched.event("retrying")).toMatchObject({ delayMs: 50, state: "delayed" });
    expect(handle.state).toBe("delayed");
    expect(watched.offloader.stats()).toMatchObject({ delayed: 1, running: 0, unfinished: 1 });
    expect(await watched.offloader.run("echo", 1)).toBe(1);
    expect(await handle.result()).toMatchObject({ attempt: 2 });
  });

  it("keeps its payload for every attempt", async () => {
    const watched = watch("tasks.mjs", options);
    const payload = { attempts: [1], note: new Uint8Array([1, 2, 3]) };
    const result = watched.offloader.run("failsOnAttempt", payload, { attempts: 2, backoff: 0 });
    payload.note.fill(0);
    expect(await result).toMatchObject({ note: new Uint8Array([1, 2, 3]) });
  });
});

describe("the backoff", () => {
  /** The waits before the next attempts, of which no time passes. */
  async function delaysOf(backoff: unknown, attempts = 5): Promise<number[]> {
    const { watched, tasks } = watchKept();
    const handle = watched.offloader.offload("fails", {}, { attempts, backoff: backoff as number });
    expect(await tasks.drain({ retries: true })).toMatchObject({ failed: 1, retrying: attempts - 1 });
    expect(handle.state).toBe("failed");
    return watched.recorded.filter(({ event }) => event === "retrying").map(({ delayMs }) => delayMs ?? Number.NaN);
  }

  it("is constant when it is a number", async () => {
    expect(await delaysOf(60_000)).toEqual([60_000, 60_000, 60_000, 60_000]);
  });

  it("doubles when it is exponential, up to maxDelay", async () => {
    const backoff = { type: "exponential", delay: 1_000, maxDelay: 5_000, jitter: 0 };
    expect(await delaysOf(backoff)).toEqual([1_000, 2_000, 4_000, 5_000]);
  });

  it("is drawn at random within its jitter", async () => {
    const delays = await delaysOf({ type: "constant", delay: 1_000, jitter: 0.5 }, 11);
    for (const delay of delays) {
      expect(delay).toBeGreaterThanOrEqual(500);
      expect(delay).toBeLessThanOrEqual(1_000);
    }
    expect(new Set(delays).size).toBeGreaterThan(1);
  });

  it("may be a function of the attempt and the error", async () => {
    const asked: unknown[] = [];
    const delays = await delaysOf((attempt: number, error: Error) => {
      asked.push([attempt, error.message]);
      return attempt * 2_000;
    }, 3);
    expect(delays).toEqual([2_000, 4_000]);
    expect(asked).toEqual([
      [1, "as told"],
      [2, "as told"],
    ]);
  });

  it("loses no retry to a function that throws", async () => {
    const backoff = () => {
      throw new Error("broken");
    };
    expect(await delaysOf(backoff, 2)).toEqual([1_000]);
  });
});

describe("attempts", () => {
  it("come from the policy of the task, or from the defaults, unless the call has its own", async () => {
    const { offloader, recorded } = watch("tasks.mjs", {
      ...options,
      defaults: { attempts: 2, backoff: 0 },
      policies: { fails: { attempts: 3 } },
    });
    const attempts = async (task: string, own?: { attempts: number }) => {
      const handle = offloader.offload(task, { attempts: [1, 2, 3, 4] }, own);
      await rejection(handle.result());
      return recorded.find(({ event, id }) => event === "failed" && id === handle.id)?.attempt;
    };
    expect(await attempts("failsOnAttempt")).toBe(2);
    expect(await attempts("fails")).toBe(3);
    expect(await attempts("fails", { attempts: 1 })).toBe(1);
  });
});
