// The deadline holds although a task is in native code, which nothing interrupts: real processes, on every Node.js there is.
import { describe, expect, it } from "vitest";
import { nodes } from "../support/nodes.js";
import { type Program, startProgram } from "../support/process.js";

const timeout = 2_000;
/** How long after the deadline the process may be gone at the latest, in ms. */
const slack = 500;

async function start(node: string, work: string, ending: "signal" | "close"): Promise<Program> {
  return startProgram("test/scenarios/fixtures/shutdown-native.js", {
    node,
    execArgv: [],
    args: [work, ending, String(timeout)],
    ready: /^started (\d+)$/m,
    env: { KUBERNETES_SERVICE_HOST: undefined },
  });
}

/** process.execve() keeps the exit code; without it there is SIGKILL. */
function expected(version: string, code: number): { code: number | null; signal: string | null } {
  const [major = 0, minor = 0] = version.slice(1).split(".").map(Number);
  const keepsCode = process.platform !== "win32" && (major > 22 || (major === 22 && minor >= 15));
  return keepsCode ? { code, signal: null } : { code: null, signal: "SIGKILL" };
}

describe.each(nodes())("on Node.js $version", ({ path: node, version }) => {
  it.each(["pbkdf2", "exec", "pool"])("a task in native code (%s) does not outlive the deadline of a signal", async (work) => {
    const program = await start(node, work, "signal");
    const startedAt = performance.now();
    program.kill("SIGTERM");
    const exit = await program.exited;
    expect(performance.now() - startedAt).toBeLessThan(timeout + slack);
    expect(exit).toMatchObject(expected(version, 1));
    const [json] = exit.stderr.match(/^\{.*"report":.*\}$/m) ?? [];
    expect(JSON.parse(json ?? "")).toMatchObject({ report: { exitCode: 1, abandoned: [{ state: "running" }] } });
    expect(exit.stderr).not.toContain("does not answer");
  });

  it("a program that has called close() ends by itself, although its thread does not", async () => {
    const startedAt = performance.now();
    const program = await start(node, "pbkdf2", "close");
    const closedAt = performance.now();
    const exit = await program.exited;
    expect(closedAt - startedAt).toBeGreaterThan(0);
    expect(performance.now() - closedAt).toBeLessThan(timeout + slack);
    expect(exit.stdout).toContain("closed 1");
    expect(exit).toMatchObject(expected(version, 0));
  });
});
