// A journal under test: nothing of a test comes into it, and what an earlier process left in it is never lost.
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import type { Offloader } from "offload-after-response";
import { type Testing, testing } from "offload-after-response/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeDirectory } from "../support/directory.js";
import { makeOffloader } from "./app.js";
import type * as tasksModule from "./fixtures/tasks.mjs";

type Tasks = typeof tasksModule;

/** A minute, against which a close that waits for its deadline stands out. */
const longTime = 60_000;

describe("an application with a journal", () => {
  it("leaves nothing of a test in it, and records again afterwards", async () => {
    const dir = makeDirectory();
    const offloader = makeOffloader({ journal: { dir } });
    await offloader.ready();
    const tasks = testing(offloader);
    offloader.offload("optimizeImage", { key: "of-the-test" });
    await tasks.settled();
    expect(textOf(dir)).not.toContain("of-the-test");
    tasks.restore();
    await offloader.run("optimizeImage", { key: "of-production" });
    expect(textOf(dir)).toContain("of-production");
  });
});

describe("what an earlier process left in the journal", () => {
  it.each(["fake", "inline"] as const)('is neither run nor recorded in the mode "%s"', async (mode) => {
    const { offloader, tasks, id } = await underTest(mode);
    await tasks.drain();
    await tasks.clear();
    tasks.assertNothingOffloaded();
    expect(offloader.stats()).toMatchObject({ queued: 1, succeeded: 0, cancelled: 0 });
    expect(id).toBeTypeOf("string");
  });

  it('is run on threads in the mode "threads", and not recorded', async () => {
    const { offloader, tasks, id } = await underTest("threads");
    await ended(offloader, "succeeded", id);
    tasks.assertNothingOffloaded();
  });

  it("is run on threads after restore()", async () => {
    const { offloader, tasks, id } = await underTest("fake");
    const succeeded = ended(offloader, "succeeded", id);
    tasks.restore();
    await succeeded;
  });

  it.each(["closeAll", "close"] as const)(
    "waits for the next process after %s(), which does not wait for it",
    async (call) => {
      const { dir, offloader, tasks, id } = await underTest("fake");
      if (call === "closeAll") await tasks.closeAll();
      else
        expect(await offloader.close({ timeout: longTime })).toMatchObject({
          abandoned: [],
          journaled: 1,
          completed: 0,
        });
      expect(offloader.stats()).toMatchObject({ succeeded: 0 });
      const next = makeOffloader({ journal: { dir } });
      await ended(next, "succeeded", id);
    },
  );
});

interface UnderTest {
  readonly dir: string;
  readonly offloader: Offloader<Tasks>;
  readonly tasks: Testing<Tasks>;
  /** Of the task that was left. */
  readonly id: string;
}

/** An offloader under test that has brought back a task of an earlier one. */
async function underTest(mode: "fake" | "inline" | "threads"): Promise<UnderTest> {
  const dir = makeDirectory();
  const earlier = makeOffloader({ journal: { dir } });
  earlier.pause("optimizeImage");
  const { id } = earlier.offload("optimizeImage", { key: "left" });
  expect(await earlier.close({ timeout: 0 })).toMatchObject({ journaled: 1 });
  const offloader = makeOffloader({ journal: { dir } });
  const tasks = testing(offloader, { mode });
  onTestFinished(() => tasks.restore());
  await ended(offloader, "queued", id);
  return { dir, offloader, tasks, id };
}

function ended(offloader: Offloader<Tasks>, event: "queued" | "succeeded", id: string): Promise<void> {
  return new Promise((resolve) => {
    offloader.on(event, (task) => {
      if (task.id === id) resolve();
    });
  });
}

/** What stands in the files of a folder. */
function textOf(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => path.join(folder, name))
    .filter((file) => statSync(file).isFile())
    .map((file) => readFileSync(file, "latin1"))
    .join("");
}
