// docs/shutdown.md says what the source says: options and defaults, states, fields, times.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { ShutdownReport } from "offload-after-response";
import { describe, expect, it } from "vitest";
import { resolveShutdownOptions } from "../../src/shutdown/shutdown-options.js";
import { namedHook } from "../../src/shutdown/steps/hooks.js";
import { abortBudget, defaultDrainDelay, type Moment, timeBefore } from "../../src/shutdown/steps/plan.js";
import type { ShutdownState, ShutdownStep } from "../../src/shutdown/steps/states.js";
import { compilerErrors } from "../support/compile.js";
import { makeDirectory } from "../support/directory.js";
import { type Program, startProgram } from "../support/process.js";
import { until } from "../support/until.js";

const text = readFileSync(new URL("../../docs/shutdown.md", import.meta.url), "utf8");
const surroundings = { inKubernetes: false, onWindows: false, hasServer: true };

/** The rows of the table below a heading, without its head. */
function table(heading: string): string[][] {
  const rows = section(heading)
    .split("\n")
    .filter((line) => line.startsWith("|"));
  return rows.slice(2).map((row) =>
    row
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  );
}

/** What stands in code in the first column. */
const names = (heading: string): string[] => table(heading).map(([cell = ""]) => cell.replaceAll("`", ""));

const ms = (cell: string | undefined): number => Number(cell?.replaceAll(",", ""));

describe("docs/shutdown.md", () => {
  it("has a row for every option, and for no other", () => {
    const options = Object.keys(resolveShutdownOptions("test", {}, surroundings));
    expect(names("Options").sort()).toEqual(options.sort());
  });

  it("gives the options the defaults that they have", () => {
    const defaults = resolveShutdownOptions("test", {}, surroundings);
    const documented = Object.fromEntries(
      table("Options").map(([name = "", , value]) => [name.replaceAll("`", ""), value]),
    );
    expect(documented.signals).toBe(defaults.signals.join(", "));
    expect(documented.forceOn).toBe(defaults.forceOn.join(", "));
    expect(ms(documented.timeout)).toBe(defaults.timeout);
    const [elsewhere, inKubernetes] = documented.drainDelay?.split("; ").map((part) => ms(part.split(" ")[0])) ?? [];
    expect(elsewhere).toBe(defaults.drainDelay);
    expect(inKubernetes).toBe(defaultDrainDelay(defaults.timeout, true, true));
    expect(documented.uncaughtException).toBe(String(defaults.uncaughtException));
    expect(defaults.hooks).toEqual([]);
    for (const name of ["onAbandoned", "onUpgraded", "onStep"] as const) {
      expect([name, documented[name], defaults[name]]).toEqual([name, "none", undefined]);
    }
    expect(text).toContain(`Each has ${namedHook(() => {}, 0).timeout.toLocaleString("en")} ms`);
  });

  it("lists the states in their order", () => {
    // A state that is missing here does not compile.
    const states: Record<ShutdownState, true> = {
      serving: true,
      leaving: true,
      closing: true,
      draining: true,
      aborting: true,
      ending: true,
      ended: true,
    };
    expect(names("States")).toEqual(Object.keys(states));
  });

  it("lists the fields of the report, and of a step", () => {
    const report: Record<keyof ShutdownReport, true> = {
      reason: true,
      exitCode: true,
      completed: true,
      failed: true,
      abandoned: true,
      journaled: true,
      forcedSockets: true,
      failedHooks: true,
      durationMs: true,
    };
    expect(names("The report").sort()).toEqual(Object.keys(report).sort());
    const step: Record<keyof ShutdownStep, true> = {
      state: true,
      reason: true,
      leftMs: true,
      openRequests: true,
      unfinished: true,
    };
    const [sentence = ""] = text.match(/^A step has [\s\S]*?\n\n/m) ?? [];
    expect(Object.keys(step).filter((field) => !sentence.includes(`\`${field}\``))).toEqual([]);
  });

  it("has a row for every library whose listener is recognised, and for every one that a test tries", () => {
    const rows = table("A second signal").map(([who = ""]) => who);
    const source = readFileSync(new URL("../../src/shutdown/process/other-listeners.ts", import.meta.url), "utf8");
    const recognised = [...source.matchAll(/name: "([^"(]+?)(?: \([^"]*)?"/g)].map(([, name = ""]) => name);
    expect(recognised.length).toBeGreaterThan(5);
    const tried = ["stoppable", "http-terminator"];
    expect([...recognised, ...tried].filter((name) => !rows.some((who) => who.includes(name)))).toEqual([]);
  });

  it("gives each step the time that the plan gives it", () => {
    const moments: readonly Moment[] = ["requests", "abort", "abandon", "report", "threads", "end"];
    const documented = table("Where the time goes").map(([cell = ""]) => Number(cell.replace(" s", "")) * 1_000);
    expect(documented).toEqual(moments.map((moment) => Math.round(timeBefore(moment, abortBudget(15_000)))));
    expect(abortBudget(7_500)).toBe(abortBudget(15_000) / 2);
  });

  it("has code that compiles", { timeout: 60_000 }, async () => {
    const blocks = [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = ""]) => code);
    const prelude = `
      import type { Server } from "node:http";
      import type { Express } from "express";
      import type { Offloader } from "offload-after-response";
      declare const offloader: Offloader, server: Server, publicServer: Server, adminServer: Server, app: Express;
      declare const database: { end(): Promise<void>; query(sql: string, values: unknown[]): Promise<void> };
      declare const webSocketServer: { clients: Set<{ close(code: number): void }> };
    `;
    const shutdown = 'declare const shutdown: ReturnType<Offloader["shutdownOnSignals"]>;';
    const files = blocks.map((code, index) => {
      const declared = code.includes("const shutdown") ? prelude : `${prelude}\n${shutdown}`;
      return [`block-${index}.ts`, `${declared}\n${code}\nexport {};\n`];
    });
    expect(blocks.length).toBeGreaterThan(2);
    expect(await compilerErrors(Object.fromEntries(files))).toBe("");
  });
});

describe("the examples of docs/shutdown.md", () => {
  it("end an event stream when the shutdown begins, and one that comes later", async () => {
    const code = section("Event streams and other endless responses").match(/```ts\n([\s\S]*?)```/)?.[1] ?? "";
    const program = await startProgram("test/docs/fixtures/event-stream.js", {
      execArgv: [],
      args: [code],
      env: { KUBERNETES_SERVICE_HOST: undefined },
    });
    const stream = await fetch(`${program.url}/events`);
    const reader = (stream.body as ReadableStream<Uint8Array>).getReader();
    const decoder = new TextDecoder();
    let text = decoder.decode((await reader.read()).value);
    expect(text).toBe("data: hello\n\n");
    program.kill("SIGTERM");
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += decoder.decode(part.value);
    expect(text).toContain("event: leave\n");
    const { code: exitCode, stderr } = await program.exited;
    expect(exitCode).toBe(0);
    const [, seconds] = stderr.match(/shutdown ended: in (\d+\.\d) s/) ?? [];
    expect(Number(seconds)).toBeLessThan(3);
  });

  describe("start a program that", () => {
    const directory = makeDirectory("child");
    const module = path.join(directory, "video.mjs");
    const code = section("Child processes").match(/```js\n([\s\S]*?)```/)?.[1] ?? "";
    writeFileSync(module, code);
    const attached = path.join(directory, "attached.mjs");
    writeFileSync(attached, code.replace("detached: true, ", ""));
    // Writes its process id when it begins, and "done" when it was let. One process: a shell that starts another one loses a
    // SIGINT that comes between its fork and its exec.
    const ffmpeg = `#!${process.execPath}
const { renameSync, writeFileSync } = require("node:fs");
const [, seconds, output] = process.argv.slice(2);
setTimeout(() => writeFileSync(output, "done\\n"), Number(seconds) * 1_000);
writeFileSync(\`\${output}.new\`, String(process.pid));
// Whoever sees the file sees it whole.
renameSync(\`\${output}.new\`, \`\${output}.pid\`);
`;
    writeFileSync(path.join(directory, "ffmpeg"), ffmpeg, { mode: 0o755 });

    function start(seconds: number, timeout: number, output: string, tasks = module): Promise<Program> {
      return startProgram("test/docs/fixtures/child-process.js", {
        execArgv: [],
        args: [tasks, String(seconds), output, String(timeout)],
        env: { PATH: `${directory}${path.delimiter}${process.env.PATH}`, KUBERNETES_SERVICE_HOST: undefined },
        ready: /^(running)$/m,
        // As a terminal does: a group of its own.
        wrapper: ["setsid", "--wait"],
      });
    }

    it.skipIf(process.platform !== "linux")("is killed at the task's timeout", async () => {
      const output = path.join(directory, "late");
      const program = await start(60, 400, output);
      await program.waitFor(/^failed AR_TIMEOUT$/m);
      const child = Number(readFileSync(`${output}.pid`, "utf8"));
      await until(() => !isAlive(child), "the end of the program");
      expect(existsSync(output)).toBe(false);
      program.kill("SIGKILL");
    });

    it.skipIf(process.platform !== "linux")("is not reached by Ctrl-C: the task ends well", async () => {
      const output = path.join(directory, "interrupted");
      const program = await start(1, 0, output);
      const [, pid] = await program.waitFor(/^pid (\d+)$/m);
      process.kill(-Number(pid), "SIGINT");
      const { stdout } = await program.exited;
      expect(stdout).toContain("succeeded");
      expect(readFileSync(output, "utf8")).toBe("done\n");
    });

    it.skipIf(process.platform !== "linux")("is ended by Ctrl-C without `detached`: the task fails", async () => {
      expect(readFileSync(attached, "utf8")).not.toBe(code);
      const output = path.join(directory, "attached");
      const program = await start(60, 0, output, attached);
      const [, pid] = await program.waitFor(/^pid (\d+)$/m);
      const child = Number(readFileSync(`${output}.pid`, "utf8"));
      process.kill(-Number(pid), "SIGINT");
      const { stdout } = await program.exited;
      expect(stdout).toContain("failed Error: ffmpeg ended with null");
      expect(isAlive(child)).toBe(false);
      expect(existsSync(output)).toBe(false);
    });
  });
});

function section(heading: string): string {
  return text.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
}

/** Whether it runs. Nobody waits for the child of a thread that was terminated, as on a busy machine: it is a zombie then. */
function isAlive(pid: number): boolean {
  try {
    const [, state] = readFileSync(`/proc/${pid}/stat`, "utf8").match(/\) (\w) /) ?? [];
    return state !== "Z";
  } catch {
    return false;
  }
}
