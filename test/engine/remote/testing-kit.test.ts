// The testing kit in an application with an engine: what a test dispatches reaches no broker.
import { createServer, type ServerResponse } from "node:http";
import { testing } from "offload-after-response/testing";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { listen } from "../../support/http.js";
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

  it.each(["fake", "inline"] as const)(
    "what was held before is for the queue, which has its payload on record alone (%s)",
    async (mode) => {
      const web = cluster.web();
      let reached = (_response: ServerResponse): void => {};
      const arrived = new Promise<ServerResponse>((resolve) => {
        reached = resolve;
      });
      const server = createServer((_request, response) => reached(response));
      const answered = fetch(`http://127.0.0.1:${await listen(server)}`);
      const response = await arrived;
      const { id } = web.offloader.offloadAfterResponse(response, "echo", { list: ["held"] });

      const tasks = testing(web.offloader, { mode });
      response.end("answered");
      await answered;
      await web.event("queued", (event) => event.id === id);
      await tasks.drain();
      expect(web.story(id)).toEqual(["accepted", "queued"]);
      tasks.restore();
      await web.event("forwarded", (event) => event.id === id);
      expect(cluster.tasks.map((task) => task.id)).toEqual([id]);
    },
  );

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
