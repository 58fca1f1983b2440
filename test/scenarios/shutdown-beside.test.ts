// Other libraries that listen for the same signals, beside shutdownOnSignals(): the real packages.
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { makeDirectory } from "../support/directory.js";
import { startProgram } from "../support/process.js";

const folder = makeDirectory("beside");

async function start(which: string, signal: "SIGTERM" | "SIGINT" = "SIGTERM") {
  const ledger = path.join(folder, `${which} ${signal}`);
  const program = await startProgram("test/scenarios/fixtures/shutdown-beside.ts", {
    args: [which],
    env: { LEDGER: ledger, KUBERNETES_SERVICE_HOST: undefined },
  });
  const answer = fetch(program.url).then((response) => response.text());
  return { program, answer, done: () => readFileSync(ledger, "utf8") };
}

describe("a library that raises the signal again at the end of its cleanup", () => {
  it.each([
    { which: "nestjs", signal: "SIGTERM" },
    { which: "nestjs", signal: "SIGINT" },
    { which: "terminus", signal: "SIGTERM" },
  ] as const)("$which loses nothing by it, on $signal", async ({ which, signal }) => {
    const { program, answer, done } = await start(which, signal);
    await program.waitFor(/^asked$/m);
    program.kill(signal);
    expect(await answer).toBe("done");
    const { code, stdout, stderr } = await program.exited;
    expect(code).toBe(0);
    expect(stdout).toMatch(/^report .*"completed":\d.*"abandoned":\[\]/m);
    expect(done()).toContain("done long");
    expect(stderr).toMatch(/another listener of SIG\w+ raises the signal again at its end/);
    expect(stderr).toContain(`${signal} came again, which changes nothing`);
  });
});

describe("Apollo Server with its drain plugin", () => {
  it.each(["SIGTERM", "SIGINT"] as const)("loses none of 60 tasks on %s", async (signal) => {
    const ledger = path.join(folder, `apollo ${signal}`);
    const program = await startProgram("test/scenarios/fixtures/shutdown-apollo.ts", {
      env: { LEDGER: ledger, KUBERNETES_SERVICE_HOST: undefined },
    });
    const answers = Array.from({ length: 60 }, async (_, id) => {
      const response = await fetch(`${program.url}/graphql`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ query: `mutation { order(id: ${id}) }` }),
      });
      return response.json();
    });
    await program.waitFor(/^asked 60$/m);
    program.kill(signal);
    const expected = Array.from({ length: 60 }, (_, id) => ({ data: { order: `ordered ${id}` } }));
    expect(await Promise.all(answers)).toEqual(expected);
    const { code, stdout, stderr } = await program.exited;
    expect(code).toBe(0);
    expect(stdout).toMatch(/^report .*"completed":60,.*"abandoned":\[\]/m);
    expect(readFileSync(ledger, "utf8").match(/^done order/gm)).toHaveLength(60);
    // One line for a listener, with the first of its signals.
    expect(stderr).toContain(
      "another listener of SIGTERM raises the signal again at its end (Apollo Server), which changes nothing",
    );
    expect(stderr).toContain(`${signal} came again, which changes nothing`);
  });
});

describe("a library that only closes the server, called by the program on the signal", () => {
  it.each(["http-terminator", "stoppable"])("%s loses nothing", async (which) => {
    const { program, answer, done } = await start(which);
    await program.waitFor(/^asked$/m);
    program.kill("SIGTERM");
    expect(await answer).toBe("done");
    const { code, stdout, stderr } = await program.exited;
    expect(code).toBe(0);
    expect(stdout).toMatch(/^report .*"completed":1.*"abandoned":\[\]/m);
    expect(done()).toContain("done long");
    expect(stderr).not.toContain("another listener");
  });
});

describe("a library that ends the process itself", () => {
  it.each(["close-with-grace", "http-graceful-shutdown", "lightship"])(
    "%s is warned of at the start",
    async (which) => {
      const { program, answer } = await start(which);
      await program.waitFor(/warn: another listener of SIGTERM ends the process by itself \(.+\)/);
      answer.catch(() => {});
      program.kill("SIGKILL");
      await program.exited;
    },
  );
});
