// The deadline holds although work is in native code, which nothing interrupts: real processes.
import { describe, expect, it } from "vitest";
import { type Program, type ProgramOptions, startProgram } from "../support/process.js";

const timeout = 2_000;
/** Every share of a timeout is in proportion to it: a busy machine needs more time for the report than 150 ms. */
const reporting = 4_000;
/** The process is gone 500 ms after the deadline at the latest. As many again are for a busy machine, which this process shares. */
const slack = 1_000;
/** What an exit that is not at a deadline may take. */
const exiting = 1_000;

type Ending = "signal" | "exit" | "throw" | "close" | "close-throw";

async function start(
  work: string,
  ending: Ending,
  { within = timeout, ...options }: ProgramOptions & { within?: number } = {},
): Promise<Program> {
  return startProgram("test/scenarios/fixtures/shutdown-native.js", {
    execArgv: [],
    args: [work, ending, String(within)],
    ready: /^started (\d+)$/m,
    env: { KUBERNETES_SERVICE_HOST: undefined },
    ...options,
  });
}

/** Without process.execve() (Node 22.15, not on Windows) nothing but SIGKILL ends a process that waits for native code. */
const keepsExitCode = "execve" in process;
const ended = (code: number) => (keepsExitCode ? { code, signal: null } : { code: null, signal: "SIGKILL" });

describe("work in native code", () => {
  it.each(["pbkdf2", "exec", "pool", "sharp", "callback"])(
    "(%s) does not outlive the deadline of a signal, and is reported",
    async (work) => {
      const program = await start(work, "signal", { within: reporting });
      const startedAt = performance.now();
      program.kill("SIGTERM");
      const exit = await program.exited;
      expect(performance.now() - startedAt).toBeLessThan(reporting + slack);
      expect(exit).toMatchObject(ended(1));
      const [json] = exit.stderr.match(/^\{.*"report":.*\}$/m) ?? [];
      expect(JSON.parse(json ?? "")).toMatchObject({ report: { exitCode: 1, abandoned: [{ state: "running" }] } });
      expect(exit.stderr).not.toContain("does not answer");
    },
  );

  it.each(["pbkdf2", "exec"])("(%s) does not keep a program that has called close()", async (work) => {
    const program = await start(work, "close");
    const startedAt = performance.now();
    const exit = await program.exited;
    expect(performance.now() - startedAt).toBeLessThan(timeout + exiting + slack);
    expect(exit.stdout).toContain("closed 1");
    expect(exit).toMatchObject(ended(0));
  });

  it.each([
    { ending: "exit", code: 7 },
    { ending: "throw", code: 1 },
  ] as const)("(pbkdf2) does not keep a process in which something else ends the drain: $ending", async (given) => {
    // The rounds take 13 s, and Node would wait for them.
    const program = await start("pbkdf2", given.ending);
    const startedAt = performance.now();
    program.kill("SIGTERM");
    const exit = await program.exited;
    expect(performance.now() - startedAt).toBeLessThan(timeout + slack);
    expect(exit).toMatchObject(ended(given.code));
    expect(exit.stderr).toMatch(/in the middle of its shutdown \(draining\)/);
    expect(exit.stderr.includes("Error: nobody catches this")).toBe(given.ending === "throw");
  });

  it("(pbkdf2) does not hide the exception that ends a program after close()", async () => {
    const exit = await (await start("pbkdf2", "close-throw")).exited;
    expect(exit).toMatchObject(ended(1));
    expect(exit.stderr).toMatch(/uncaught exception\n {2}Error: nobody catches this\n {4}at .*shutdown-native\.js:\d+/);
  });

  it("(pbkdf2) of a request that was cut off does not outlive the deadline", async () => {
    const program = await start("handler", "signal");
    const startedAt = performance.now();
    program.kill("SIGTERM");
    const exit = await program.exited;
    expect(performance.now() - startedAt).toBeLessThan(timeout + slack);
    expect(exit).toMatchObject(ended(0));
    expect(exit.stderr).toContain('"forcedSockets":1');
  });

  it("(none, a callback that never settles) ends with the documented exit code on every Node", async () => {
    const signalled = await start("promise", "signal");
    signalled.kill("SIGTERM");
    const exit = await signalled.exited;
    expect(exit).toMatchObject({ code: 1, signal: null });
    expect(exit.stderr).toMatch(/^\{.*"report":.*"abandoned":\[\{.*"state":"running"/m);
    const closed = await (await start("promise", "close")).exited;
    expect(closed).toMatchObject({ code: 0, signal: null });
  });

  it("does not hold up PID 1 of a container, which cannot kill itself", async ({ skip }) => {
    if (process.platform !== "linux" || process.getuid?.() !== 0) skip("needs the right to make a PID namespace");
    const program = await start("pbkdf2", "close", { wrapper: ["unshare", "--pid", "--fork", "--kill-child"] });
    const startedAt = performance.now();
    const { code, stdout } = await program.exited;
    expect(performance.now() - startedAt).toBeLessThan(timeout + exiting + slack);
    expect(stdout).toMatch(/^started 1$/m);
    // Without execve() there is abort(), whose signal depends on the processor.
    if (keepsExitCode) expect(code).toBe(0);
    else expect(code).not.toBe(0);
  });
});
