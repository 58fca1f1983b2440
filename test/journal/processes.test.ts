// Real processes: killed while they write, and started many at once.
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { silentLogger } from "../../src/base/logger.js";
import { nodeFileSystem } from "../../src/journal/files/file-system.js";
import { JournalStore } from "../../src/journal/journal-store.js";
import type { Readmit } from "../../src/store/store.js";
import { type Program, startProgram } from "../support/process.js";
import { makeTask } from "../support/tasks.js";
import { until } from "../support/until.js";
import { filesIn, pendingIn, replayed, temporaryDirectory, testJournal } from "./journals.js";
import { bundled } from "./programs.js";

const kills = Number(process.env.JOURNAL_KILLS ?? 12);

/** What the program has noted: accepted, replayed and ended ids, in order. */
function readTrace(file: string): { accepted: Set<string>; ended: Set<string>; replayed: string[] } {
  const accepted = new Set<string>();
  const ended = new Set<string>();
  const replayed: string[] = [];
  // The last line may be cut off: it was being written when the process was killed.
  for (const line of readFileSync(file, "utf8").split("\n").slice(0, -1)) {
    const [what, id = ""] = line.split(" ");
    if (what === "a") accepted.add(id);
    else if (what === "e") ended.add(id);
    else if (what === "r") replayed.push(id);
  }
  return { accepted, ended, replayed };
}

describe("a process that is killed while it writes", () => {
  it(`loses nothing that it had accepted, ${kills} times in turn`, async () => {
    const program = await bundled("accept.ts");
    const dir = path.join(temporaryDirectory(), "journal");
    const trace = path.join(temporaryDirectory(), "trace");
    for (let round = 1; round <= kills; round++) {
      const writer = await startProgram(program, {
        args: [dir, trace, String(round)],
        execArgv: [],
        ready: /^ready$/m,
      });
      // It goes on writing until the signal arrives.
      await writer.waitFor(/^kill me$/m);
      writer.kill("SIGKILL");
      const exit = await writer.exited;
      expect(exit.signal).toBe("SIGKILL");
      expect(exit.stderr).toBe("");
      // A cut-off line would run into the next one.
      appendFileSync(trace, "\n");
    }
    const { accepted, ended } = readTrace(trace);
    const found = (await pendingIn(dir, { maxStarts: 1_000_000 })).map(({ id }) => id);
    expect(accepted.size).toBeGreaterThan(kills * 100);
    const unfinished = [...accepted].filter((id) => !ended.has(id));
    expect(unfinished.filter((id) => !found.includes(id))).toEqual([]);
    // Tasks that come back although they had ended: at most those of one turn of each process.
    const risen = found.filter((id) => ended.has(id));
    expect(risen.length).toBeLessThanOrEqual(kills * 250);
    expect(new Set(found).size).toBe(found.length);
    expect(filesIn(path.join(dir, "damaged"), ".segment")).toEqual([]);
  }, 120_000);
});

/** A living store, and the ids that come back to it. */
function livingStore(dir: string, timing: { lookEvery?: number; unboundGrace?: number } = {}) {
  const world = { fs: nodeFileSystem, now: Date.now, ...timing };
  const store = new JournalStore({ dir }, { logger: silentLogger, hasRoom: () => true }, world);
  const back: string[] = [];
  const readmit: Readmit = ({ id }, onMade) => {
    const task = makeTask();
    onMade(task);
    back.push(id);
    return task;
  };
  return { store, back, takeOver: () => store.takeOver(readmit) };
}

function ownersIn(dir: string): string[] {
  const names = readdirSync(dir).filter((name) => name.startsWith("owner-"));
  return names.map((name) => path.join(dir, name));
}

const ids = Array.from({ length: 50 }, (_, index) => `old-${index}`);

describe("a process that is killed while another one lives", () => {
  it("is found at once by one that watches it", async () => {
    const program = await bundled("take-over.ts");
    const dir = path.join(temporaryDirectory(), "journal");
    const old = await startProgram(program, { args: [dir, "old"], execArgv: [], ready: /^tasks .* end$/m });
    const { store, back, takeOver } = livingStore(dir);
    await takeOver();
    old.kill("SIGKILL");
    await until(() => back.length === 50, "the tasks of the dead");
    expect(back).toEqual(ids);
    await store.close();
  });

  it("is found by the next regular look, though it started later and nobody watches it", async () => {
    const program = await bundled("take-over.ts");
    const dir = path.join(temporaryDirectory(), "journal");
    const { store, back, takeOver } = livingStore(dir, { lookEvery: 50 });
    await takeOver();
    const old = await startProgram(program, { args: [dir, "old"], execArgv: [], ready: /^tasks .* end$/m });
    old.kill("SIGKILL");
    await until(() => back.length === 50, "the tasks of the dead");
    expect(back).toEqual(ids);
    await store.close();
  });
});

describe("a process that is blocked while somebody removes its socket", () => {
  it.skipIf(process.platform !== "linux")("keeps its tasks, and is taken over once when it is dead", async () => {
    const program = await bundled("take-over.ts");
    const dir = path.join(temporaryDirectory(), "journal");
    const owner = await startProgram(program, { args: [dir, "old"], execArgv: [], ready: /^tasks .* end$/m });
    owner.kill("SIGSTOP");
    const [directory = ""] = ownersIn(dir);
    rmSync(path.join(directory, "owner.sock"));
    // Nothing is left of the time that an owner gets.
    const { store, back, takeOver } = livingStore(dir, { lookEvery: 50, unboundGrace: 0 });
    await takeOver();
    expect(existsSync(directory)).toBe(true);
    expect(back).toEqual([]);
    owner.kill("SIGCONT");
    await until(() => existsSync(path.join(directory, "owner.sock")), "the owner to bind its socket again");
    owner.kill("SIGKILL");
    await until(() => back.length >= 50, "the tasks of the dead");
    expect(back).toEqual(ids);
    await store.close();
  });

  it.skipIf(process.platform !== "linux")("and is killed before it binds another one is taken over", async () => {
    const program = await bundled("take-over.ts");
    const dir = path.join(temporaryDirectory(), "journal");
    const owner = await startProgram(program, { args: [dir, "old"], execArgv: [], ready: /^tasks .* end$/m });
    owner.kill("SIGSTOP");
    for (const directory of ownersIn(dir)) rmSync(path.join(directory, "owner.sock"));
    owner.kill("SIGKILL");
    await owner.exited;
    const { store, back, takeOver } = livingStore(dir, { unboundGrace: 0 });
    await takeOver();
    await until(() => back.length >= 50, "the tasks of the dead");
    expect(back).toEqual(ids);
    await store.close();
  });
});

describe("eight processes that start at once", () => {
  it("take over the directories of four dead ones once each, and leave those of two living ones alone", async () => {
    const program = await bundled("take-over.ts");
    const dir = path.join(temporaryDirectory(), "journal");
    const start = (...own: string[]): Promise<Program> =>
      startProgram(program, { args: [dir, ...own], execArgv: [], ready: /^tasks .* end$/m });

    const dead = await Promise.all(["d1", "d2", "d3", "d4"].map((own) => start(own)));
    const living = await Promise.all(["l1", "l2"].map((own) => start(own)));
    for (const program of dead) program.kill("SIGKILL");
    await Promise.all(dead.map(({ exited }) => exited));

    const survivors = await Promise.all(Array.from({ length: 8 }, () => start()));
    const found = survivors.flatMap(
      ({ output }) => JSON.parse(/^tasks (.*) end$/m.exec(output)?.[1] ?? "[]") as string[],
    );
    const expected = ["d1", "d2", "d3", "d4"].flatMap((own) =>
      Array.from({ length: 50 }, (_, index) => `${own}-${index}`),
    );
    expect(found.sort()).toEqual(expected.sort());

    for (const program of [...living, ...survivors]) program.kill("SIGTERM");
    const exits = await Promise.all([...living, ...survivors].map(({ exited }) => exited));
    expect(exits.map(({ code }) => code)).toEqual(Array.from({ length: 10 }, () => 0));

    // Everything is unfinished still, and now without an owner.
    const { journal } = testJournal({ dir });
    const left = (await replayed(journal)).map(({ id }) => id);
    const ofLiving = ["l1", "l2"].flatMap((own) => Array.from({ length: 50 }, (_, index) => `${own}-${index}`));
    expect(left.sort()).toEqual([...expected, ...ofLiving].sort());
  }, 60_000);
});
