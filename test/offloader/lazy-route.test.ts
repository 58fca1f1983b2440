// A route that is loaded at its first request, and the offloader with it, in a real process.
import { expect, it } from "vitest";
import { startProgram } from "../support/process.js";

const server = "test/offloader/programs/lazy/server.mjs";

async function ask(url: string): Promise<string> {
  return (await fetch(url)).text();
}

it("a route that is loaded within the handler, without an await, is served from its first request on", async () => {
  const program = await startProgram(server, { execArgv: [], args: ["require"] });
  expect([await ask(program.url), await ask(program.url)]).toEqual(["accepted", "accepted"]);
  await program.waitFor(/succeeded nothing\n(?:.*\n)*succeeded nothing/);
  program.kill("SIGKILL");
});

it("a route that is imported gets an error for its first request that names the cause, and no later one", async () => {
  const program = await startProgram(server, { execArgv: [], args: ["import"] });
  const first = await ask(program.url);
  expect(first).toMatch(/^AR_NO_RESPONSE: .*createOffloader\(\) was first called after one open request had begun/);
  expect(first).toContain("instrumentation.ts (Next.js)");
  expect(await ask(program.url)).toBe("accepted");
  await program.waitFor(/succeeded nothing/);
  program.kill("SIGKILL");
});
