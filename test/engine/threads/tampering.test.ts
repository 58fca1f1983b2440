// Tasks that tamper with their thread: they may break what others do in it, but nothing waits for ever behind them.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { watch } from "../../support/offloader.js";

const source = readFileSync(new URL("../../fixtures/tampering.mjs", import.meta.url), "utf8");
const harmless = ["nothing", "echo", "later", "lasts", "throws"];
const ways = [...source.matchAll(/^export (?:async )?function (\w+)/gm)]
  .map(([, name]) => name ?? "")
  .filter((name) => !harmless.includes(name));

/** After these, all that come later end as if nothing had been: the thread's side uses nothing that they touch, or is replaced. */
const withoutEffect = ways.filter((name) => name !== "replacesArrayIterator" && name !== "replacesArrayMethods");

const payload = { text: "text", list: [1, { two: new Date(2) }] };

describe("a task that tampers with its thread", () => {
  for (const way of ways) {
    // A silent thread is noticed by startTimeout, and a busy machine needs more than 500 ms to start one.
    it(`leaves nothing behind it that never ends: ${way}`, { timeout: 30_000 }, async () => {
      const watched = watch("tampering.mjs", { pool: { maxThreads: 1, startTimeout: 2_000, abortGrace: 100 } });
      const { offloader } = watched;
      await offloader.ready();
      // What goes with it in one batch, what was sent ahead, and what waits.
      await watched.expectTiny("nothing");
      const tampering = offloader.offload(way);
      const dispatch = () => [
        ...Array.from({ length: 20 }, () => offloader.offload("nothing")),
        offloader.offload("echo", payload),
        offloader.offload("later", payload),
        offloader.offload("throws"),
      ];
      const first = dispatch();
      await offloader.idle();
      const second = dispatch();
      const follow = second.map((handle) => handle.result().catch((error: Error) => error));
      await offloader.idle();

      for (const { id, state } of [tampering, ...first, ...second]) {
        expect(["succeeded", "failed"]).toContain(state);
        expect(watched.ends(id)).toHaveLength(1);
      }
      if (!withoutEffect.includes(way)) return;
      for (const handle of [...first, ...second]) {
        expect(`${handle.task} ${handle.state}`).toBe(
          `${handle.task} ${handle.task === "throws" ? "failed" : "succeeded"}`,
        );
      }
      const results = await Promise.all(follow);
      expect(results.slice(20, 22)).toEqual([payload, payload]);
      expect(results[22]).toMatchObject({ name: "RangeError", message: "thrown" });
    });
  }

  it("and forges a reply while another task runs costs that task nothing: it runs again, alone", async () => {
    const watched = watch("tampering.mjs", { pool: { maxThreads: 1, startTimeout: 2_000, abortGrace: 100 } });
    const { offloader } = watched;
    await offloader.run("nothing");
    await offloader.run("forgesAReplyLater");
    const innocent = [offloader.offload("lasts"), offloader.offload("nothing"), offloader.offload("nothing")];
    expect(await watched.event("threadEnded")).toMatchObject({ cause: "unreadable" });
    await offloader.idle();
    expect(innocent.map(({ state }) => state)).toEqual(["succeeded", "succeeded", "succeeded"]);
  });

  it("and forges a reply while it runs itself fails at its second start, which is alone", async () => {
    const watched = watch("tampering.mjs", { pool: { maxThreads: 1, startTimeout: 2_000, abortGrace: 100 } });
    const { offloader } = watched;
    await offloader.run("nothing");
    const guilty = offloader.offload("forgesAReplyAndGoesOn");
    await expect(guilty.result()).rejects.toMatchObject({ code: "AR_THREAD_EXITED" });
    const ended = await watched.events("threadEnded", 2);
    expect(ended.map(({ cause }) => cause)).toEqual(["unreadable", "unreadable"]);
  });

  it("and sends messages of its own has its thread replaced as unreadable", async () => {
    const watched = watch("tampering.mjs", { pool: { maxThreads: 1, startTimeout: 2_000, abortGrace: 100 } });
    // It finds the port only where the thread is up already.
    await watched.offloader.run("nothing");
    watched.offloader.offload("forgesMessages");
    expect(await watched.event("threadEnded")).toMatchObject({ cause: "unreadable" });
  });
});
