// A task as an object: what `offloader.task(name)` dispatches is what the calls of the offloader do.
import { createServer } from "node:http";
import { createOffloader } from "offload-after-response";
import { describe, expect, it } from "vitest";
import { listen } from "../support/http.js";
import { rejection, thrownBy, watch } from "../support/offloader.js";

describe("a task as an object", () => {
  it("has its name, runs at once, and runs with its result", async () => {
    const { offloader } = watch("tasks.mjs");
    const echo = offloader.task("echo");
    expect(echo.name).toBe("echo");
    expect(await echo.run("now")).toBe("now");
    const handle = echo.dispatch("soon", { priority: "high" });
    expect(handle.task).toBe("echo");
    expect(await handle.result()).toBe("soon");
  });

  it("runs after a response, with the options of the call", async () => {
    const { offloader } = watch("tasks.mjs");
    const { dispatchAfterResponse } = offloader.task("echo");
    const states: string[] = [];
    const results: Promise<unknown>[] = [];
    const server = createServer((_req, res) => {
      const handles = [
        dispatchAfterResponse(res, "sent", { runIf: "sent" }),
        dispatchAfterResponse(res, "ok", { runIf: "ok" }),
      ];
      states.push(...handles.map(({ state }) => state));
      results.push(...handles.map((handle) => handle.result()));
      res.writeHead(404).end();
    });
    await fetch(`http://127.0.0.1:${await listen(server)}`);
    expect(states).toEqual(["held", "held"]);
    expect(await results[0]).toBe("sent");
    expect(await rejection(results[1] as Promise<unknown>)).toMatchObject({ code: "AR_SKIPPED" });
  });

  it("is refused as its name would be, when it is dispatched", async () => {
    const { offloader } = watch("tasks.mjs");
    await offloader.ready();
    const typo = offloader.task("ecko");
    const unknown = { code: "AR_UNKNOWN_TASK", message: expect.stringContaining("did you mean echo?") };
    expect(thrownBy(() => typo.dispatch())).toMatchObject(unknown);
    expect(await rejection(typo.run())).toMatchObject(unknown);
  });
});

it("the log line of a failure that nobody hears has the context of its call", async () => {
  const lines: object[] = [];
  const logger = { info() {}, warn() {}, error: (fields: object) => lines.push(fields) };
  const tasks = new URL("../fixtures/tasks.mjs", import.meta.url);
  const offloader = createOffloader({ tasks, logger, context: () => ({ traceparent: "00-0af7-b7ad-01" }) });
  const { id } = offloader.offload("fails", {});
  await offloader.close();
  expect(lines).toMatchObject([{ task: "fails", id, attempt: 1, context: { traceparent: "00-0af7-b7ad-01" } }]);
});
