// pool.watch: in development, threads run the tasks module as it is on disk now.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { Gate } from "../../support/gate.js";
import { rejection, type Watched, watch } from "../../support/offloader.js";

/** A tasks module in a folder of its own, which says its version. */
function module(): { url: URL; write(version: number, others?: string): void } {
  const folder = mkdtempSync(path.join(tmpdir(), "offload-after-response-watch-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, "tasks.mjs");
  const gate = new URL("../../fixtures/gate.mjs", import.meta.url).href;
  const write = (version: number, others = waits(version)): void => {
    writeFileSync(
      file,
      `import { pass } from ${JSON.stringify(gate)};
       export const version = () => ${version};
       ${others}`,
    );
  };
  write(1);
  return { url: pathToFileURL(file), write };
}

function waits(version: number): string {
  return `export const waits = async ({ gate }) => { await pass(gate); return ${version}; };
          export const failsOnce = () => { throw new Error("once"); };`;
}

/** Runs the task until it says another version: the change on disk is heard of some time later. */
async function versionAfter(watched: Watched, old: unknown): Promise<unknown> {
  for (;;) {
    const version = await watched.offloader.run("version");
    if (version !== old) return version;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe("with pool.watch", () => {
  it("threads are renewed when the module changes on disk", async () => {
    const { url, write } = module();
    const watched = watch(url, { pool: { maxThreads: 1, watch: true } });
    expect(await watched.offloader.run("version")).toBe(1);
    write(2);
    expect(await versionAfter(watched, 1)).toBe(2);
    expect(await watched.event("threadEnded")).toMatchObject({ cause: "renewed" });
  });

  it("a running task ends on the old thread, and what comes after it runs the new code", async () => {
    const { url, write } = module();
    const watched = watch(url, { pool: { maxThreads: 1, watch: true } });
    const gate = new Gate();
    const running = watched.offloader.run("waits", { gate: gate.memory });
    await gate.arrival();
    write(2);
    const another = watch(url, { pool: { maxThreads: 1, watch: true } });
    expect(await another.offloader.run("version")).toBe(2);
    gate.open();
    expect(await running).toBe(1);
    expect(await versionAfter(watched, 1)).toBe(2);
  });
});

describe("with pool.watch, a task whose function is gone", () => {
  it("ends as it would have when it runs already; one that waits fails, and the others run on", async () => {
    const { url, write } = module();
    const watched = watch(url, { pool: { maxThreads: 2, watch: true } });
    const gate = new Gate();
    const running = watched.offloader.offload("waits", { gate: gate.memory });
    await gate.arrival();
    const waiting = watched.offloader.offload("failsOnce", undefined, { attempts: 2, backoff: 60_000 });
    await watched.event("retrying");
    write(2, "");
    expect(await versionAfter(watched, 1)).toBe(2);
    expect(running.state).toBe("running");
    expect(await rejection(waiting.result())).toMatchObject({ code: "AR_UNKNOWN_TASK" });
    expect(await watched.offloader.run("version")).toBe(2);
    gate.open();
    expect(await running.result()).toBe(1);
    expect(watched.offloader.stats()).toMatchObject({ unfinished: 0, queued: 0, running: 0 });
  });
});

describe("without pool.watch", () => {
  it("threads keep the code that they have loaded", async () => {
    const { url, write } = module();
    const watched = watch(url, { pool: { maxThreads: 1 } });
    expect(await watched.offloader.run("version")).toBe(1);
    write(2);
    const other = watch(url, { pool: { maxThreads: 1 } });
    expect(await other.offloader.run("version")).toBe(2);
    expect(await watched.offloader.run("version")).toBe(1);
  });
});
