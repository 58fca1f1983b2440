// docs/after-the-response.md: its program does what the page says, and so do statements that no other test holds.
import { AsyncLocalStorage } from "node:async_hooks";
import { createServer } from "node:http";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listen } from "../support/http.js";
import { watch } from "../support/offloader.js";
import { startProgram } from "../support/process.js";
import { writeDocument } from "./documents.js";

describe("the program of docs/after-the-response.md", () => {
  let project: { directory: string; remove(): Promise<void> };

  beforeAll(async () => {
    project = await writeDocument("after-the-response");
  });
  afterAll(() => project.remove());

  it("runs the tasks whose policy, default or own runIf says yes, and skips the other", async () => {
    const program = await startProgram(path.join(project.directory, "page/app.ts"), { env: { PORT: "0" } });
    expect(await (await fetch(`${program.url}/cat`)).text()).toBe("here it is");
    program.kill("SIGTERM");
    const { code, stdout, stderr } = await program.exited;
    expect(code, stderr).toBe(0);
    expect(stderr.match(/optimizing \/cat/g)).toHaveLength(1);
    expect(stdout.match(/one more view of \/cat/g)).toHaveLength(1);
  });
});

describe("context", () => {
  it("is read at the call, and is in the thread, and on every event of each attempt", async () => {
    const requestId = new AsyncLocalStorage<string>();
    const watched = watch("tasks.mjs", { context: () => requestId.getStore() });
    const { offloader } = watched;
    let result: Promise<unknown> | undefined;
    const server = createServer((_req, res) =>
      requestId.run("request 1", () => {
        result = offloader.offloadAfterResponse(res, "about").result();
        offloader.offloadAfterResponse(res, "fails", {}, { attempts: 2, backoff: 0 });
        res.end();
      }),
    );
    await fetch(`http://127.0.0.1:${await listen(server)}`);
    await watched.event("succeeded");
    await watched.event("failed");
    const events = watched.recorded.filter(({ id }) => id !== undefined);
    expect(events.map(({ context }) => context)).toEqual(events.map(() => "request 1"));
    // The thread's own view of it.
    expect(await result).toMatchObject({ context: "request 1" });
  });

  it("that throws refuses the dispatch, and so does one that cannot be copied", () => {
    const failing = watch("tasks.mjs", {
      context: () => {
        throw new Error("no context");
      },
    });
    expect(() => failing.offloader.offload("nothing")).toThrow("no context");
    const uncopied = watch("tasks.mjs", { context: () => ({ request: () => {} }) });
    expect(() => uncopied.offloader.offload("nothing")).toThrow(/context\.request is a function/);
  });
});

it("the defaults hold for callbacks too", async () => {
  const watched = watch("tasks.mjs", { defaults: { attempts: 2, backoff: 0 } });
  let runs = 0;
  const server = createServer((_req, res) => {
    watched.offloader.runAfterResponse(res, function mail() {
      runs += 1;
      if (runs === 1) throw new Error("the mail server is busy");
    });
    res.end();
  });
  await fetch(`http://127.0.0.1:${await listen(server)}`);
  expect(await watched.event("succeeded")).toMatchObject({ task: "mail", attempt: 2 });
});
