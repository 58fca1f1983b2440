// A task in native code cannot be stopped. Its end, and the work of the others, do not wait for it.
import { describe, expect, it } from "vitest";
import { rejection, type Watched, watch } from "../../support/offloader.js";
import { startProgram } from "../../support/process.js";

const seconds = 3;

function started(pool: object = {}): Watched {
  return watch("native.mjs", { pool: { maxThreads: 1, abortGrace: 50, ...pool } });
}

describe("a task in native code", () => {
  it("is told to have timed out after its timeout and the grace, and another thread goes on at once", async () => {
    const watched = started();
    await watched.offloader.ready();
    const begin = performance.now();
    const stuck = watched.offloader.run("sleepsOutside", { seconds }, { timeout: 200 });
    const behind = watched.offloader.run("where");
    expect(await rejection(stuck)).toMatchObject({ code: "AR_TIMEOUT" });
    await behind;
    expect(performance.now() - begin).toBeLessThan(seconds * 1_000 - 500);
    expect(watched.offloader.stats().threads).toMatchObject({ total: 1, stuck: 1 });
    const line = await watched.line(/native code/);
    expect(line.fields).toMatchObject({ names: ["sleepsOutside"], ids: [expect.any(String)] });
    await watched.event("threadEnded");
    expect(watched.offloader.stats().threads).toMatchObject({ total: 1, stuck: 0 });
  });

  it("is replaced only as long as no more than pool.maxStuckThreads threads are stuck", async () => {
    const watched = started({ maxStuckThreads: 0 });
    await watched.offloader.ready();
    const begin = performance.now();
    const stuck = watched.offloader.run("sleepsOutside", { seconds }, { timeout: 200 });
    const behind = watched.offloader.run("where");
    expect(await rejection(stuck)).toMatchObject({ code: "AR_TIMEOUT" });
    expect(performance.now() - begin).toBeLessThan(seconds * 1_000 - 500);
    await behind;
    expect(performance.now() - begin).toBeGreaterThan(seconds * 1_000 - 100);
    expect(watched.offloader.stats().threads).toMatchObject({ total: 1, stuck: 0 });
  });

  it("does not end the process while others wait for its place", async () => {
    const program = await startProgram("test/engine/threads/programs/stuck.ts", { ready: /has run$/m });
    const { stdout, code } = await program.exited;
    expect({ stdout: stdout.trim(), code }).toEqual({
      stdout: "AR_TIMEOUT, then 1 of 1 waiting task has run",
      code: 0,
    });
  });

  it("does not hold up close()", async () => {
    const watched = started();
    await watched.offloader.ready();
    const stuck = watched.offloader.run("sleepsOutside", { seconds }, { timeout: 100 });
    await rejection(stuck);
    const begin = performance.now();
    await watched.offloader.close({ timeout: 1_000 });
    expect(performance.now() - begin).toBeLessThan(1_500);
  });
});

describe("a process that has closed", () => {
  it("has the exit code that it wants, although a thread was about to end when the time was over", async () => {
    const program = await startProgram("test/engine/threads/programs/late.ts", { ready: /^closed$/m });
    expect(await program.exited).toMatchObject({ code: 3, signal: null });
  });

  it("does not wait for a thread that is in native code while it loads the tasks module", async () => {
    const program = await startProgram("test/engine/threads/programs/loads.ts", { ready: /^closed$/m });
    const { code, signal, durationMs } = await program.exited;
    // Before Node 22.15 nothing but SIGKILL ends such a process.
    expect({ code, signal }).toEqual(
      "execve" in process ? { code: 3, signal: null } : { code: null, signal: "SIGKILL" },
    );
    // To load it takes 20 s.
    expect(durationMs).toBeLessThan(15_000);
  });
});

describe("a process that was stopped for longer than pool.startTimeout", () => {
  it("does not blame the thread that was being started", async () => {
    const program = await startProgram("test/engine/threads/programs/stopped.ts", { ready: /^starting$/m });
    program.kill("SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, 3_500));
    program.kill("SIGCONT");
    const { stdout, stderr } = await program.exited;
    expect(stderr).not.toMatch(/startTimeout/);
    expect(stdout).toContain("ready");
  });
});
