// Shutdown where there is more than one of something: processes of a cluster, copies of the library, shutdowns in a process.
import { cpSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { createOffloader } from "offload-after-response";
import { afterAll, describe, expect, it } from "vitest";
import { makeDirectory } from "../support/directory.js";
import { startProgram, typescript } from "../support/process.js";

const root = path.join(import.meta.dirname, "../..");
const folder = makeDirectory("processes");
// Where it finds its dependencies.
const copy = path.join(root, "node_modules", `.offload-after-response-copy-${process.pid}`);
afterAll(() => rmSync(copy, { recursive: true, force: true }));

describe("a cluster's worker", () => {
  it("that is disconnected drains, then exits 0", async () => {
    const ledger = path.join(folder, "disconnected");
    const cluster = await startProgram("test/scenarios/fixtures/shutdown-cluster.ts", {
      ipc: true,
      env: { LEDGER: ledger },
    });
    expect(await (await fetch(cluster.url)).text()).toBe("accepted");
    cluster.send("disconnect");
    await cluster.waitFor(/^worker exited 0$/m);
    expect(readFileSync(ledger, "utf8")).toBe("done long\nteardown\n");
  });

  it("whose primary hands SIGTERM on drains, and is outlived by the primary", async () => {
    const ledger = path.join(folder, "handed-on");
    const cluster = await startProgram("test/scenarios/fixtures/shutdown-cluster.ts", { env: { LEDGER: ledger } });
    expect(await (await fetch(cluster.url)).text()).toBe("accepted");
    cluster.kill("SIGTERM");
    const { code, stdout } = await cluster.exited;
    expect(code).toBe(0);
    expect(stdout).toMatch(/^worker exited 0$/m);
    expect(readFileSync(ledger, "utf8")).toBe("done long\nteardown\n");
  });

  it("whose primary is killed drains too, although Node would have it exit at once", async () => {
    const ledger = path.join(folder, "orphaned");
    const cluster = await startProgram("test/scenarios/fixtures/shutdown-cluster.ts", { env: { LEDGER: ledger } });
    expect(await (await fetch(cluster.url)).text()).toBe("accepted");
    cluster.kill("SIGKILL");
    // The worker holds the output open until it has ended.
    const { stderr } = await cluster.exited;
    expect(stderr).toContain("shutdown leaving: disconnect");
    expect(readFileSync(ledger, "utf8")).toBe("done long\nteardown\n");
  });
});

describe("two copies of the library", () => {
  it("have one shutdown, which drains both", async () => {
    cpSync(path.join(root, "dist"), copy, { recursive: true });
    const ledger = path.join(folder, "copies");
    const program = await startProgram("test/scenarios/fixtures/shutdown-copies.ts", {
      args: [path.join(copy, "index.cjs")],
      env: { LEDGER: ledger },
      ready: /^ready$/m,
    });
    expect(program.output).toContain("same library: false\nlisteners: 1\n");
    program.kill("SIGTERM");
    const { code, stdout } = await program.exited;
    expect(code).toBe(0);
    const lines = stdout.split("\n");
    expect(lines.filter((line) => line.includes("report"))).toEqual(["0 report 2 0", "1 report 2 0"]);
    // Neither ends its threads before the other has drained.
    expect(lines.filter((line) => line.includes("ending"))).toEqual(["0 step ending", "1 step ending"]);
    expect(readFileSync(ledger, "utf8").trim().split("\n").sort()).toEqual([
      "done copy 0",
      "done copy 1",
      "teardown",
      "teardown",
    ]);
  });

  it("have one current response, one closing, one brand of each error, and warn once", async () => {
    cpSync(path.join(root, "dist"), copy, { recursive: true });
    const program = await startProgram("test/scenarios/fixtures/two-copies.ts", {
      args: [path.join(copy, "index.cjs")],
      env: { LEDGER: path.join(folder, "two-copies") },
    });
    expect(await (await fetch(program.url)).text()).toBe("accepted");
    program.kill("SIGTERM");
    const { code, stdout } = await program.exited;
    expect({ code, lines: stdout.split("\n").slice(0, -1) }).toEqual({
      code: 0,
      lines: [
        "instance of the other: true, false",
        "not retryable: true",
        "instance of the other: true, false",
        "not retryable: true",
        "warned of the class: 1",
        "same library: false",
        `listening ${program.port}`,
        "states: held,held",
        "listeners: 1",
        "closed by the second",
        "completed: 2",
        "completed: 2",
      ],
    });
  });
});

describe("starting and stopping", () => {
  it("leaves no listener after uninstall(), on the process and on the server", async () => {
    const offloader = createOffloader({
      tasks: new URL("./fixtures/shutdown-tasks.js", import.meta.url),
      pool: { minThreads: 0 },
    });
    const server = createServer();
    const listeners = () =>
      [process, server].map((emitter) => emitter.eventNames().map((name) => [name, emitter.listenerCount(name)]));
    const before = listeners();
    const shutdown = offloader.shutdownOnSignals(server, { platformGrace: 600_000, uncaughtException: true });
    expect(process.listenerCount("SIGTERM")).toBe(1);
    expect(listeners()).not.toEqual(before);
    shutdown.uninstall();
    shutdown.uninstall();
    expect(listeners()).toEqual(before);
    expect(shutdown.state).toBe("serving");
    await offloader.close();
  });

  it("200 times in one process leaves no listeners, handles, threads or memory behind", {
    timeout: 120_000,
  }, async () => {
    const program = await startProgram("test/scenarios/fixtures/shutdown-cycles.ts", {
      args: ["200"],
      execArgv: [...typescript, "--expose-gc"],
      env: { LEDGER: undefined },
      ready: /^ready$/m,
    });
    const { code, stdout } = await program.exited;
    expect(code).toBe(0);
    const [, before] = stdout.match(/^before: (.*)$/m) ?? [];
    const [, after] = stdout.match(/^after: (.*)$/m) ?? [];
    expect(before).not.toBeUndefined();
    expect(after).toBe(before);
    const [, bytes] = stdout.match(/^bytes a cycle: (-?\d+)$/m) ?? [];
    expect(Number(bytes)).toBeLessThan(5_000);
  });
});
