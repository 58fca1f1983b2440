// docs/coming-from.md: each program on it does what it stands for, and the task moves to a job queue as it is.
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasRedis, startRedis } from "../../bench/harness/redis.js";
import { startProgram } from "../support/process.js";
import { documents, filesOf, writeDocuments } from "./documents.js";

let project: { directory: string; remove(): Promise<void> };

beforeAll(async () => {
  const page = (await documents()).get("coming-from") ?? "";
  const servers = ["fastapi", "laravel", "nextjs", "rails", "express"].map((name) => {
    return { name: `${name}-main.ts`, text: serve(`./${name}.js`, "./offloader.js") };
  });
  const queue = { name: "queue/main.ts", text: `${serve("./server.js", "../offloader.js", "[() => queue.close()]")}` };
  project = await writeDocuments(new Map([["page", [...filesOf(page), ...servers, queue]]]));
});
afterAll(() => project.remove());

const mail = "sent a mail to ada";
const badge = "rendered the badge of ada";

describe.each<[string, readonly string[]]>([
  ["fastapi", [badge, mail]],
  ["laravel", [badge, mail, mail]],
  ["nextjs", [mail]],
  ["rails", ["200 undefined", badge, mail]],
  ["express", [mail]],
])("the program beside the idiom of %s", (name, expected) => {
  it("answers, and does after its response what the other does", async () => {
    const program = await startProgram(path.join(project.directory, "page", `${name}-main.ts`));
    const answer = await fetch(`${program.url}/users/ada`, { method: "POST" });
    expect(await answer.json()).toEqual({ user: "ada" });
    program.kill("SIGTERM");
    const { code, stdout, stderr } = await program.exited;
    expect(code, stderr).toBe(0);
    const lines = stdout.trim().split("\n").slice(1);
    // Middleware of the page, with a time in its line.
    expect(lines.filter((line) => !line.startsWith("/users/ada 200 ")).sort()).toEqual([...expected].sort());
  });
});

describe.runIf(hasRedis())("the job queue", () => {
  it("takes a job, runs the task as it is, and ends with it on SIGTERM", async () => {
    const redis = await startRedis();
    try {
      const env = { REDIS_PORT: String(redis.port) };
      const worker = await startProgram(path.join(project.directory, "page/queue/worker.ts"), { env, ready: /^/ });
      const server = await startProgram(path.join(project.directory, "page/queue/main.ts"), { env });
      const answer = await fetch(`${server.url}/users/ada`, { method: "POST" });
      expect(await answer.json()).toEqual({ user: "ada" });
      await worker.waitFor(new RegExp(`^${badge}$`, "m"));
      for (const program of [worker, server]) {
        program.kill("SIGTERM");
        const { code, stderr } = await program.exited;
        expect(code, stderr).toBe(0);
      }
    } finally {
      redis.stop();
    }
  });
});

/** A program that serves the application of a file of the page, and tells its port. */
function serve(file: string, offloader: string, hooks = "[]"): string {
  return `
    import * as page from ${JSON.stringify(file)};
    import { offloader } from ${JSON.stringify(offloader)};
    const { app, queue } = page;
    await offloader.ready();
    const server = app.listen(0, "127.0.0.1", () => console.log("listening " + server.address().port));
    offloader.shutdownOnSignals(server, { hooks: ${hooks} });
  `;
}
