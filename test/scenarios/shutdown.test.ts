// What a shutdown waits for, how it ends, and what it says: real processes and real signals.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { createOffloader } from "offload-after-response";
import { describe, expect, it } from "vitest";
import { startApp } from "./shutdown-app.js";

describe("a drain", () => {
  it("waits for a short and a long task on two threads, and runs the teardown of both", async () => {
    const app = await startApp({ threads: 2 });
    await app.get("/work?name=short&ms=10");
    await app.get("/work?name=long&ms=700");
    await app.get("/work?name=short&ms=10");
    app.kill("SIGTERM");
    const { code, report } = await app.end();
    expect(code).toBe(0);
    expect(report).toMatchObject({ reason: "SIGTERM", abandoned: [], forcedSockets: 0, exitCode: 0 });
    expect(app.ledger().sort()).toEqual(["done long", "done short", "done short", "teardown", "teardown"]);
  });

  it("finishes a queue ten times as long as the pool, while the threads are still starting", async () => {
    const app = await startApp({ server: "silent", threads: 2, tasks: Array.from({ length: 20 }, () => 5) });
    app.kill("SIGTERM");
    const { code, report } = await app.end();
    expect(code).toBe(0);
    expect(report).toMatchObject({ completed: 20, failed: 0, abandoned: [] });
    expect(app.ledger().filter((line) => line.startsWith("done"))).toHaveLength(20);
  });

  it("accepts what tasks, callbacks and the last listeners of a response dispatch", async () => {
    const app = await startApp({});
    await app.get("/work?name=ahead&ms=300");
    await Promise.all([app.get("/chain"), app.get("/late")]);
    app.kill("SIGTERM");
    const { code } = await app.end();
    expect(code).toBe(0);
    const expected = ["after an await", "ahead", "from the last listener", "link 1", "link 2"];
    expect(app.ledger().sort()).toEqual([...expected.map((name) => `done ${name}`), "teardown"]);
  });

  it("is over for all offloaders of a process at once, with one report and one exit", async () => {
    const app = await startApp({ second: true });
    // The server is the first one's; the task that its open request dispatches is the second one's, which is idle till then.
    const slow = app.get("/slow?ms=500&work");
    await app.get("/");
    app.kill("SIGTERM");
    expect(await slow).toBe("slow");
    const { code, report, stdout } = await app.end();
    expect(code).toBe(0);
    expect(report).toMatchObject({ completed: 1, abandoned: [] });
    expect(stdout.match(/^report /gm)).toHaveLength(1);
    expect(stdout.match(/^step draining$/gm)).toHaveLength(1);
    expect(app.ledger().sort()).toEqual(["done after slow", "teardown", "teardown"]);
  });

  it("ends admission: a dispatch after it is refused with a status of 503", async () => {
    const offloader = createOffloader({
      tasks: new URL("./fixtures/shutdown-tasks.js", import.meta.url),
      pool: { minThreads: 0 },
      logger: false,
    });
    await offloader.close();
    expect(() => offloader.offload("work", { name: "late", ms: 0 })).toThrow(
      expect.objectContaining({ code: "AR_SHUTTING_DOWN", statusCode: 503 }),
    );
    await expect(offloader.close()).resolves.toMatchObject({ abandoned: [] });
  });
});

describe("at the deadline", () => {
  const timeout = 3_000;
  /** How late the watchdog lets a busy machine be, in ms. */
  const slack = 100;

  it("a task sees its abort, is reported by its id, and the exit code is 1", async () => {
    const app = await startApp({ shutdown: { timeout }, onAbandoned: "ends" });
    await app.get("/work?name=long&ms=60000");
    await app.get("/work?name=waiting&ms=60000");
    app.kill("SIGTERM");
    const { code, report, stderr, output } = { ...(await app.end()), output: app.output };
    expect(code).toBe(1);
    expect(report.abandoned).toEqual([
      { id: expect.any(String), task: "work", state: "queued", attempt: 0 },
      { id: expect.any(String), task: "work", state: "running", attempt: 1 },
    ]);
    expect(app.ledger()).toEqual(["aborted long", "teardown"]);
    expect(report.durationMs).toBeLessThan(timeout + slack);
    expect(output).toContain("abandoned queued running");
    expect(stderr).toContain("no time left for 2 tasks (work: 1 running, 1 queued)");
    for (const { id } of report.abandoned) expect(stderr).toContain(id);
  });

  it.each(["ends", "hangs", "throws"] as const)(
    "a thread that hears nothing is terminated, also when onAbandoned %s",
    async (onAbandoned) => {
      const app = await startApp({ shutdown: { timeout }, onAbandoned });
      await app.get("/stubborn");
      app.kill("SIGTERM");
      const { code, report, stdout } = await app.end();
      expect(code).toBe(1);
      expect(report.abandoned).toMatchObject([{ task: "stubborn", state: "running" }]);
      expect(report.durationMs).toBeLessThan(timeout + slack);
      expect(stdout).toContain("abandoned running");
    },
  );

  it.each([
    { how: "loop", ends: { code: 1, signal: null } },
    // Nothing but a signal ends a main thread in native code.
    { how: "native", ends: { code: null, signal: "SIGKILL" } },
  ])("a main thread that is blocked ($how) does not outlive it, and says what it knew", async ({ how, ends }) => {
    const app = await startApp({ shutdown: { timeout } });
    await app.get("/work?name=long&ms=60000");
    await app.get(`/block?how=${how}`);
    const startedAt = performance.now();
    app.kill("SIGTERM");
    const exit = await app.exited;
    expect(exit).toMatchObject(ends);
    expect(performance.now() - startedAt).toBeLessThan(timeout + 1_500);
    const line = exit.stderr.split("\n").find((text) => text.startsWith("{"));
    expect(JSON.parse(line ?? "")).toMatchObject({
      name: "offload-after-response",
      reason: "SIGTERM",
      unfinished: 1,
      tasks: [{ task: "work" }],
    });
  });
});

describe("a second signal", () => {
  it("right after the first is the same one", async () => {
    const app = await startApp({});
    await app.get("/work?name=long&ms=800");
    app.kill("SIGTERM");
    await app.waitFor(/^step draining$/m);
    app.kill("SIGTERM");
    const { code, report } = await app.end();
    expect(code).toBe(0);
    expect(report.completed).toBe(1);
  });

  it("more than a second later changes nothing when it is SIGTERM, however often it comes", async () => {
    const app = await startApp({});
    await app.get("/work?name=long&ms=3000");
    app.kill("SIGTERM");
    await app.waitFor(/^step draining$/m);
    // Time is the subject.
    await sleep(1_100);
    for (let times = 0; times < 3; times++) {
      app.kill("SIGTERM");
      await sleep(200);
    }
    const { code, report, stderr } = await app.end();
    expect(code).toBe(0);
    expect(report).toMatchObject({ reason: "SIGTERM", completed: 1, abandoned: [] });
    expect(stderr.match(/SIGTERM came again, which changes nothing/g)).toHaveLength(1);
  });

  it.each([
    { signal: "SIGINT", code: 130, forceOn: undefined },
    { signal: "SIGTERM", code: 143, forceOn: ["SIGTERM"] },
  ] as const)(
    "more than a second later forces the end when it is to: $signal, $code",
    async ({ signal, code, forceOn }) => {
      const app = await startApp({ onAbandoned: "ends", shutdown: { forceOn } });
      await app.get("/work?name=long&ms=60000");
      const open = app.get("/slow?ms=60000").catch((error: unknown) => error);
      await app.get("/");
      app.kill(signal);
      await app.waitFor(/^step closing$/m);
      // Time is the subject.
      await sleep(1_100);
      const forcedAt = performance.now();
      app.kill(signal);
      const exit = await app.end();
      expect(exit.code).toBe(code);
      expect(performance.now() - forcedAt).toBeLessThan(1_500);
      expect(exit.report).toMatchObject({ exitCode: code, forcedSockets: 1, abandoned: [{ state: "running" }] });
      expect(exit.stdout).toContain("abandoned running");
      expect(await open).toBeInstanceOf(Error);
    },
  );

  it.each(["process", "import"])("of SIGINT changes nothing when the process has raised it by its %s", async (by) => {
    const app = await startApp({});
    await app.get("/work?name=long&ms=2500");
    await app.get(`/raise?ms=1300&signal=SIGINT&by=${by}`);
    app.kill("SIGINT");
    const { code, report, stderr } = await app.end();
    expect(code).toBe(0);
    expect(report).toMatchObject({ reason: "SIGINT", completed: 1, abandoned: [] });
    expect(stderr).toContain("SIGINT came again, which changes nothing");
  });

  it("of another kind is the first of its kind: SIGINT after SIGTERM forces when it comes once more", async () => {
    const app = await startApp({});
    await app.get("/work?name=long&ms=20000");
    app.kill("SIGTERM");
    await app.waitFor(/^step draining$/m);
    // Time is the subject.
    await sleep(1_100);
    app.kill("SIGINT");
    await app.waitFor(/SIGINT came, which changes nothing, .* if it comes once more, it forces the end/);
    await sleep(1_100);
    app.kill("SIGINT");
    const { code, report } = await app.end();
    expect(code).toBe(130);
    expect(report).toMatchObject({ reason: "SIGTERM", exitCode: 130, abandoned: [{ state: "running" }] });
  });

  it("after close() is the first one, and forces nothing", async () => {
    const app = await startApp({});
    await app.get("/work?name=long&ms=1800");
    await app.get("/close");
    await app.waitFor(/^step draining$/m);
    await sleep(1_100);
    app.kill("SIGTERM");
    const { code, report, stdout } = await app.end();
    expect(code).toBe(0);
    expect(report).toMatchObject({ reason: "first", completed: 1 });
    expect(stdout.match(/^report /gm)).toHaveLength(1);
    expect(stdout).toContain("closed thrice");
  });
});

describe("a process", () => {
  it("that does not listen yet, or has no server, exits 0", async () => {
    for (const server of ["silent", "none"] as const) {
      const app = await startApp({ server, tasks: [100], leftover: true });
      app.kill("SIGTERM");
      const { code, report } = await app.end();
      expect(code).toBe(0);
      expect(report.completed).toBe(1);
    }
  });

  it("with a timer that is left over exits all the same", async () => {
    const app = await startApp({ leftover: true });
    app.kill("SIGTERM");
    expect((await app.end()).code).toBe(0);
  });

  it("that is PID 1 of its namespace exits on SIGTERM", async ({ skip }) => {
    if (process.platform !== "linux" || process.getuid?.() !== 0) skip("needs the right to make a PID namespace");
    const app = await startApp({ leftover: true }, { wrapper: ["unshare", "--pid", "--fork", "--kill-child"] });
    expect(app.output).toMatch(/^pid 1$/m);
    await app.get("/work?name=long&ms=200");
    // unshare waits for it outside of the namespace, and exits as it does.
    const [child] = readFileSync(`/proc/${app.pid}/task/${app.pid}/children`, "utf8").split(" ");
    process.kill(Number(child), "SIGTERM");
    const { code, report } = await app.end();
    expect(code).toBe(0);
    expect(report.completed).toBe(1);
  });

  it("shuts down on an uncaught exception when it is told to: it drains, and exits 1", async () => {
    const app = await startApp({ shutdown: { uncaughtException: true } });
    await app.get("/work?name=long&ms=300");
    await app.get("/throw");
    const { code, report, stderr } = await app.end();
    expect(code).toBe(1);
    expect(report).toMatchObject({ reason: "uncaughtException", completed: 1, abandoned: [] });
    expect(stderr).toContain("nobody catches this");
    expect(app.ledger()).toContain("done long");
  });

  it.each(["SIGHUP", "SIGUSR2", "SIGQUIT"] as const)("shuts down on %s when it is told to", async (signal) => {
    const app = await startApp({ shutdown: { signals: [signal] } });
    app.kill(signal);
    const { code, report } = await app.end();
    expect(code).toBe(0);
    expect(report.reason).toBe(signal);
  });

  it("shuts down on its parent's message", async () => {
    const app = await startApp({}, { ipc: true });
    await app.get("/work?name=long&ms=200");
    app.send("shutdown");
    const { code, report } = await app.end();
    expect(code).toBe(0);
    expect(report).toMatchObject({ reason: "message", completed: 1 });
  });

  it("warns at the start when its platform kills it before the shutdown is over", async () => {
    const app = await startApp({ server: "none", shutdown: { platformGrace: undefined } }, { env: { pm_id: "0" } });
    await app.waitFor(/warn: a shutdown may take 25000 ms, but PM2 kills the process 1600 ms after its signal/);
  });
});

describe("the hooks", () => {
  it("run last, in reverse order, and one that fails or hangs stops none but makes the exit code 1", async () => {
    const app = await startApp({ hooks: ["ends", "throws", "hangs", "ends"] });
    await app.get("/work?name=long&ms=200");
    app.kill("SIGTERM");
    const { code, report, stdout } = await app.end();
    expect(code).toBe(1);
    expect(report).toMatchObject({ failedHooks: ["hangs 3", "throws 2"], abandoned: [], completed: 1 });
    const lines = stdout.split("\n").filter((line) => /^(hook|step ending)/.test(line));
    expect(lines).toEqual(["step ending", "hook 4 ends", "hook 3 hangs", "hook 2 throws", "hook 1 ends"]);
    expect(app.ledger()).toEqual(["done long", "teardown"]);
  });

  it("that succeed leave the exit code at 0", async () => {
    const app = await startApp({ hooks: ["ends"] });
    app.kill("SIGTERM");
    expect((await app.end()).code).toBe(0);
  });
});

describe("the log", () => {
  it("has a line a step, and names what is waited for every few seconds", async () => {
    const app = await startApp({});
    const open = app.get("/slow?ms=4000");
    await app.get("/work?name=long&ms=1000");
    app.kill("SIGTERM");
    await open;
    const { stderr } = await app.end();
    const steps = [...stderr.matchAll(/info: shutdown (\w+): /g)].map(([, step]) => step);
    // The end is the report, for a program: stderr is no terminal.
    expect(steps).toEqual(["leaving", "closing", "closing", "draining", "ending"]);
    expect(stderr).toMatch(
      /shutdown closing: 2\d\.\d s left; 1 open request \(GET \/slow for [34]\.\d s\) and 0 tasks/,
    );
    const [json] = stderr.match(/^\{.*"report":.*\}$/m) ?? [];
    expect(JSON.parse(json ?? "")).toMatchObject({ level: "info", report: { exitCode: 0, completed: 1 } });
  });
});

it("a program with an offloader and nothing left to do ends by itself, also with an IPC channel", async () => {
  const app = await startApp({ server: "none", tasks: [10] }, { ipc: true });
  const [code] = await once(app.child, "exit");
  expect(code).toBe(0);
  expect(app.ledger()).toEqual(["done task 0"]);
});
