// The pool as a part of a process: what is left of tasks that have ended, when the process exits, what it still prints.
import { describe, expect, it } from "vitest";
import { startProgram, typescript } from "../../support/process.js";

describe("tasks that have ended", () => {
  it("leave nothing behind: no memory, no listener, no timer, no handle", async () => {
    const program = await startProgram("test/engine/threads/programs/retention.ts", {
      execArgv: [...typescript, "--expose-gc"],
      ready: /^(\{.*\})$/m,
    });
    const { code, stdout, stderr } = await program.exited;
    expect(code).toBe(0);
    // No warning of listeners, timers or promises.
    expect(stderr).toBe("");
    const [left, closed] = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(left).toMatchObject({ listeners: 0, unfinished: 0, exitListeners: 1, collected: 1_000 });
    expect(left.resourceGrowth).toBeLessThanOrEqual(1);
    // 10,000 tasks with payloads of 10 kB: 100 MB if they were kept, 500 kB if 50 bytes of each were.
    expect(left.heapGrowth).toBeLessThan(500_000);
    expect(left.externalGrowth).toBeLessThan(5_000_000);
    expect(closed).toEqual({ exitListenersAfterClose: 0 });
  });
});

describe("a process", () => {
  it("exits by itself once its tasks have ended, its threads still up", async () => {
    const program = await startProgram("test/engine/threads/programs/idle.ts", { ready: /^results 1 2 3$/m });
    expect(await program.exited).toMatchObject({ code: 0, signal: null });
  });

  it("that exits with unfinished tasks says so, by id and state", async () => {
    const program = await startProgram("test/engine/threads/programs/unfinished.ts", {
      args: ["3"],
      ready: /^(\{.*\})$/m,
    });
    const { code, stdout, stderr } = await program.exited;
    expect(code).toBe(3);
    const ids = JSON.parse(stdout.trim());
    expect(stderr).toContain("the process exits with accepted tasks unfinished");
    expect(stderr).toContain("unfinished=3");
    for (const state of ["running", "queued", "delayed"]) {
      expect(stderr).toMatch(new RegExp(`"id":"${ids[state]}","task":"\\w+","state":"${state}"`));
    }
  });

  it("prints what tasks print, once and in order, also when their thread exits or is ended", async () => {
    const program = await startProgram("test/engine/threads/programs/output.ts", { ready: /^state (.*)$/m });
    const { code, stdout } = await program.exited;
    expect(code).toBe(0);
    const lines = stdout.trim().split("\n");
    const block = (label: string) => Array.from({ length: 200 }, (_, i) => `${label} ${i}`);
    expect(lines).toEqual([
      ...block("first"),
      ...block("second"),
      ...block("third"),
      "teardown line",
      "state succeeded",
    ]);
  });
});

describe.runIf(process.platform === "linux")("pool.priority", () => {
  async function nicenessOfThreads(options: { priority?: number; from?: number }) {
    const program = await startProgram("test/engine/threads/programs/niceness.cjs", {
      args: [JSON.stringify(options)],
      execArgv: [],
      ready: /^(\{.*\})$/m,
    });
    const { code, stdout } = await program.exited;
    expect(code).toBe(0);
    return JSON.parse(stdout.trim());
  }

  it.each([
    [{}, 5],
    [{ priority: 10 }, 10],
    [{ priority: 0 }, 0],
  ])("lowers the priority of the pool's threads, and of no other thread of the process: %o", async (options, added) => {
    const { own, others, main } = await nicenessOfThreads(options);
    // It adds to the niceness that the process was started with.
    expect(own).toEqual([main + added, main + added]);
    // The main thread, and libuv's four, are among them.
    expect(others.length).toBeGreaterThanOrEqual(5);
    expect(new Set(others)).toEqual(new Set([main]));
  });

  it("stops at the lowest priority that there is, in a process that was started with little more", async () => {
    expect(await nicenessOfThreads({ from: 17 })).toMatchObject({ main: 17, own: [19, 19] });
  });
});

describe("a thread that the system refuses", () => {
  it("ends nothing when the offloader is closed later", async () => {
    const program = await startProgram("test/engine/threads/programs/refused-thread.ts", { ready: /^refused: .*$/m });
    expect(await program.exited).toMatchObject({ code: 0, stdout: expect.stringMatching(/EAGAIN\nclosed\n$/) });
  });
});
