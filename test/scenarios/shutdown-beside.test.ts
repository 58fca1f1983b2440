// Other libraries that listen for the same signals, beside shutdownOnSignals(): the real packages.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { startProgram } from "../support/process.js";

const folder = mkdtempSync(path.join(tmpdir(), "offload-after-response-beside-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

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
