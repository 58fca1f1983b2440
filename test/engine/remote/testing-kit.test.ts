// The testing kit in an application with an engine: what a test dispatches reaches no broker.
import { testing } from "offload-after-response/testing";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { Cluster } from "./engines.js";

let cluster: Cluster;

beforeEach(async () => {
  cluster = await Cluster.start();
});

describe("under test", () => {
  it.each(["fake", "inline"] as const)("tasks stay in the process (%s)", async (mode) => {
    const web = cluster.web();
    const tasks = testing(web.offloader, { mode });
    onTestFinished(() => tasks.restore());
    const handle = web.offloader.offload("echo", { a: 1 });
    await tasks.drain();
    expect(await handle.result()).toEqual({ a: 1 });
    expect(cluster.broker.submissions).toEqual([]);
  });

  it("and afterwards they are forwarded again", async () => {
    const web = cluster.web();
    const tasks = testing(web.offloader);
    web.offloader.offload("echo", 1);
    tasks.restore();
    const { id } = web.offloader.offload("echo", 2);
    await web.event("forwarded");
    expect(cluster.tasks.map((task) => task.id)).toEqual([id]);
  });
});
