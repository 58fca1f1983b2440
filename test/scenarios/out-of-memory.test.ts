// What docs/errors.md says of memory: which tasks fail alone, which end the process, and what the journal does about those.
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { makeDirectory } from "../support/directory.js";
import { runOutOfMemory } from "./out-of-memory.js";

const folder = makeDirectory("memory");
const cli = path.join(import.meta.dirname, "../../dist/cli.cjs");
const app = path.join(import.meta.dirname, "fixtures/out-of-memory-journal-app.js");

const lines = (file: string): string[] => readFileSync(file, "utf8").trim().split("\n");

describe("a task that runs out of memory", { timeout: 60_000 }, () => {
  for (const way of ["linkedList", "closures", "pendingPromises"]) {
    it(`fails alone with many small objects: ${way}`, () => {
      expect(runOutOfMemory(way, "resourceLimits").ended).toBe("alone");
    });
  }

  for (const way of ["oneMap", "oneSet", "oneObject"]) {
    it(`ends the process with one large table: ${way}`, () => {
      expect(runOutOfMemory(way, "resourceLimits").ended).toBe("process");
    });
  }

  it("and ends the process is a dead letter after maxStarts, and nothing else is lost", () => {
    const dir = path.join(folder, "journal");
    const done = path.join(folder, "done");
    const start = (first: boolean) =>
      spawnSync(process.execPath, [app, JSON.stringify({ dir, done, first })], { stdio: "ignore", timeout: 30_000 });
    // maxStarts is 2: two processes die of it, and the third lives.
    const exits = [start(true), start(false), start(false)].map(({ status }) => status === 0);
    expect(exits).toEqual([false, false, true]);

    const accepted = lines(`${done}.accepted`).map((line) => line.split(" "));
    const ids = (task: string) => accepted.flatMap(([name, id]) => (name === task ? [id] : []));
    const listed = execFileSync(process.execPath, [cli, "journal", dir, "ls", "--json"], { encoding: "utf8" });
    const { unfinished, deadLetters }: { unfinished: object[]; deadLetters: { id: string; reason: string }[] } =
      JSON.parse(listed);
    expect(unfinished).toEqual([]);
    expect(deadLetters.map(({ id, reason }) => [id, reason])).toEqual(ids("oneMap").map((id) => [id, "crashed"]));
    expect(ids("note")).toHaveLength(19);
    expect(ids("note").filter((id) => !lines(done).includes(id ?? ""))).toEqual([]);
  });
});
