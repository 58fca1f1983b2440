// What a process says last arrives, whatever ends it: every id, through a pipe, and whoever reads it.
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { makeDirectory } from "../support/directory.js";
import { type Exit, type ProgramOptions, startProgram } from "../support/process.js";

const folder = makeDirectory("last-words");

type Ending = "signal" | "exit" | "installed" | "throw" | "block" | "short" | "fails" | "close";

async function start(count: number, how: Ending, options: ProgramOptions = {}) {
  const program = await startProgram("test/scenarios/fixtures/shutdown-ids.js", {
    execArgv: [],
    ipc: true,
    args: [String(count), how],
    ...options,
    env: { KUBERNETES_SERVICE_HOST: undefined, ...options.env },
  });
  const [, pid, json = ""] = await program.waitFor(/^pid (\d+)\n(\[.*\])$/m);
  return Object.assign(program, { ids: JSON.parse(json) as string[], ownPid: Number(pid) });
}

// vitest reads from a socket, which takes more than a pipe does. This is `node app.js | cat`, for stderr.
const throughPipe = ["sh", "-c", '{ "$@" 2>&1 1>&4 4>&- | cat >&2; } 4>&1', "sh"];

/** Those of the ids that the program wrote on stderr, each once. */
function written(ids: readonly string[], { stderr }: Exit): string[] {
  const found = new Set(stderr.match(/\b[0-9a-f]{16}-\w+\b/g));
  return ids.filter((id) => found.has(id));
}

describe("every id is written", () => {
  it("by the report of 3,000 abandoned tasks, whose JSON is whole", async () => {
    const program = await start(3_000, "signal", { wrapper: throughPipe });
    process.kill(program.ownPid, "SIGTERM");
    const exit = await program.exited;
    const [json] = exit.stderr.match(/^\{.*"report":.*\}$/m) ?? [];
    const { report } = JSON.parse(json ?? "") as { report: { abandoned: { id: string }[] } };
    expect(report.abandoned.map(({ id }) => id).sort()).toEqual([...program.ids].sort());
  });

  it("after a process.exit() without a shutdown", async () => {
    const program = await start(3_000, "exit", { wrapper: throughPipe });
    program.send("end");
    const exit = await program.exited;
    expect(exit.stderr).toContain("exitCode=3");
    expect(written(program.ids, exit)).toEqual(program.ids);
    expect(exit.stderr).toMatch(
      /process\.exit\(\) was called; shutdownOnSignals\(\) or close\(\) would have drained them/,
    );
  });

  it("after an uncaught exception in the middle of a shutdown, which is named", async () => {
    const program = await start(3_000, "throw", { wrapper: throughPipe });
    process.kill(program.ownPid, "SIGTERM");
    const exit = await program.exited;
    expect(written(program.ids, exit)).toEqual(program.ids);
    expect(exit.stderr).toContain(
      "it ended in the middle of its shutdown (draining), by something else than the library",
    );
  });

  it("by the watchdog, when the main thread is blocked", async () => {
    const program = await start(3_000, "block", { wrapper: throughPipe });
    process.kill(program.ownPid, "SIGTERM");
    const exit = await program.exited;
    expect(written(program.ids, exit)).toEqual(program.ids);
    const lines = exit.stderr.split("\n").filter((line) => line.startsWith("{"));
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ unfinished: 3_000 });
  });
});

describe("what a client may have written", () => {
  it("forges no line and steers no terminal, also when the watchdog writes", async () => {
    const program = await startProgram("test/scenarios/fixtures/shutdown-hostile.js", { execArgv: [] });
    program.kill("SIGUSR2");
    const { stderr } = await program.exited;
    expect(stderr).toContain("does not answer");
    expect(stderr).toContain("forged");
    expect(stderr.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\u202e]/u);
    for (const line of stderr.split("\n")) {
      expect(line).not.toMatch(/^\[offload-after-response\] error: forged/);
      if (line.startsWith("{")) expect(JSON.parse(line)).toMatchObject({ name: "offload-after-response" });
    }
    expect(stderr.match(/"report":/g)).toBeNull();
  });
});

describe("an offloader beside one that shuts the process down", () => {
  it("is named as that, with what it leaves", async () => {
    const program = await startProgram("test/scenarios/fixtures/shutdown-apart.js", { execArgv: [] });
    program.kill("SIGTERM");
    const { code, stderr } = await program.exited;
    expect(code).toBe(0);
    expect(stderr).toContain("this offloader takes no part in the shutdown; call its shutdownOnSignals() too");
    expect(stderr).toMatch(/1 to 1 of 1 offloader=apart tasks=\[\{"id"/);
  });
});

describe("a process.exit() of the program", () => {
  it("in the middle of a shutdown is named as that, with who called it", async () => {
    const program = await startProgram("test/scenarios/fixtures/shutdown-foreign-exit.js", { execArgv: [] });
    program.kill("SIGTERM");
    const { code, stderr } = await program.exited;
    expect(code).toBe(7);
    expect(stderr).toContain("process.exit() was called in the middle of its shutdown (draining)");
    expect(stderr).toMatch(
      / {2}Error: process\.exit\(\) was called here\n {4}at .*giveUp.*shutdown-foreign-exit\.js:\d+/,
    );
    expect(stderr).not.toContain("would have drained");
  });

  it("in the middle of close() is named as that", async () => {
    const program = await start(1, "close");
    program.send("end");
    const { code, stderr } = await program.exited;
    expect(code).toBe(3);
    expect(stderr).toContain("process.exit() was called in the middle of close(), by something else than the library");
  });

  it("before any signal says which call is right", async () => {
    const program = await start(1, "installed");
    program.send("end");
    const { code, stderr } = await program.exited;
    expect(code).toBe(3);
    expect(stderr).toContain("without a signal to shut down; shutdown.close() would have drained them");
  });
});

describe("a reader that is gone", () => {
  it("does not end the drain: every task is done", async () => {
    const ledger = path.join(folder, "gone");
    const program = await start(10, "short", { env: { LEDGER: ledger } });
    program.child.stdout?.destroy();
    program.child.stderr?.destroy();
    program.kill("SIGTERM");
    const { code } = await program.exited;
    expect(code).toBe(0);
    expect(readFileSync(ledger, "utf8").match(/^done/gm)).toHaveLength(10);
  });

  it("is no reason to die before a shutdown either, however many lines the library writes", async () => {
    const program = await start(3, "fails");
    program.child.stderr?.destroy();
    for (let lines = 0; lines < 5; lines++) program.send("fail");
    await program.waitFor(/^failed 5$/m);
    program.kill("SIGTERM");
    expect((await program.exited).code).toBe(0);
  });

  it("and one that takes nothing holds the exit up no longer than the deadline", async () => {
    const program = await start(3_000, "signal");
    program.child.stderr?.pause();
    program.child.stderr?.removeAllListeners("data");
    const startedAt = performance.now();
    program.kill("SIGTERM");
    await new Promise((resolve) => program.child.once("exit", resolve));
    expect(performance.now() - startedAt).toBeLessThan(1_500 + 700);
  });
});
