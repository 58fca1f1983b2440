// docs/shutdown.md says what the source says: options and defaults, states, fields, times.
import { readFileSync } from "node:fs";
import type { ShutdownReport } from "offload-after-response";
import { describe, expect, it } from "vitest";
import { resolveShutdownOptions } from "../../src/shutdown/shutdown-options.js";
import { namedHook } from "../../src/shutdown/steps/hooks.js";
import { abortBudget, defaultDrainDelay, type Moment, timeBefore } from "../../src/shutdown/steps/plan.js";
import type { ShutdownState, ShutdownStep } from "../../src/shutdown/steps/states.js";
import { compilerErrors } from "../support/compile.js";

const text = readFileSync(new URL("../../docs/shutdown.md", import.meta.url), "utf8");
const surroundings = { inKubernetes: false, onWindows: false, hasServer: true };

/** The rows of the table below a heading, without its head. */
function table(heading: string): string[][] {
  const section = text.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("|"));
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
    const files = blocks.map((code, index) => [`block-${index}.ts`, `${prelude}\n${code}\nexport {};\n`]);
    expect(blocks.length).toBeGreaterThan(2);
    expect(await compilerErrors(Object.fromEntries(files))).toBe("");
  });
});
