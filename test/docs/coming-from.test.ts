// docs/coming-from.md: each program on it does what it stands for.
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startProgram } from "../support/process.js";
import { documents, filesOf, writeDocuments } from "./documents.js";

const mail = "sent a mail to ada";
const badge = "rendered the badge of ada";
/** What each program of the page writes for one request. */
const programs: Readonly<Record<string, readonly string[]>> = {
  fastapi: [badge, mail],
  laravel: [badge, mail, mail],
  nextjs: [mail],
  rails: ["200 undefined", badge, mail],
  express: [mail],
  piscina: [badge],
  "p-queue": [mail],
  bullmq: [badge],
  sidequest: [badge],
};

let project: { directory: string; remove(): Promise<void> };

beforeAll(async () => {
  const page = (await documents()).get("coming-from") ?? "";
  const servers = Object.keys(programs).map((name) => {
    return { name: `${name}-main.ts`, text: serve(`./${name}.js`, "./offloader.js") };
  });
  project = await writeDocuments(new Map([["page", [...filesOf(page), ...servers]]]));
});
afterAll(() => project.remove());

describe.each(Object.entries(programs))("the program beside the idiom of %s", (name, expected) => {
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

/** A program that serves the application of a file of the page, and tells its port. */
function serve(file: string, offloader: string): string {
  return `
    import { app } from ${JSON.stringify(file)};
    import { offloader } from ${JSON.stringify(offloader)};
    await offloader.ready();
    const server = app.listen(0, "127.0.0.1", () => console.log("listening " + server.address().port));
    offloader.shutdownOnSignals(server);
  `;
}
