import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { startProgram } from "../support/process.js";
import { accept, filesIn, pendingIn, temporaryDirectory, testJournal } from "./journals.js";
import { bundled } from "./programs.js";

let cli = "";
let takeOver = "";

beforeAll(async () => {
  cli = await bundled("../../../src/journal/cli/cli.ts");
  takeOver = await bundled("take-over.ts");
});

function run(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, "journal", ...args], { encoding: "utf8" });
  return { code: status, stdout, stderr };
}

function json(...args: string[]): unknown {
  return JSON.parse(run(...args, "--json").stdout);
}

/** A living process with 50 unfinished tasks `live-<n>`, the payload of each `{ index: n }`. */
function living(dir: string) {
  return startProgram(takeOver, { args: [dir, "live"], execArgv: [], ready: /^tasks .* end$/m });
}

describe("offload-after-response journal", () => {
  it("ls shows what is unfinished and what is dead, in columns and as JSON", async () => {
    const { journal, dir } = testJournal();
    const waiting = accept(journal, "hush");
    const running = accept(journal, 1, "resize");
    journal.started(running, 2);
    const dead = accept(journal);
    journal.moveToDeadLetters(dead, "timeout", new Error("took\u001b[31m too\nlong"));
    await Promise.resolve();
    const { code, stdout, stderr } = run(dir, "ls");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^2 unfinished tasks\nID +TASK +STATE +ATTEMPT +INTERRUPTED +AGE +SIZE +OWNER\n/);
    expect(stdout).toMatch(new RegExp(`^${waiting.id} +work +waiting +0 +0 +\\ds +\\d+ B +alive$`, "m"));
    expect(stdout).toMatch(new RegExp(`^${running.id} +resize +running +2 +0 `, "m"));
    expect(stdout).toMatch(
      new RegExp(
        `^1 dead letter\nID +TASK +REASON +ATTEMPTS +AGE +ERROR\n${dead.id} +work +timeout +0 +\\ds +took \\[31m too long$`,
        "m",
      ),
    );
    expect(stdout).not.toContain("hush");
    expect(json(dir, "ls")).toMatchObject({
      unfinished: [
        { id: waiting.id, task: "work", state: "waiting", attempt: 0, owner: "alive" },
        { id: running.id, task: "resize", state: "running", attempt: 2, owner: "alive" },
      ],
      deadLetters: [{ id: dead.id, reason: "timeout", error: { name: "Error" } }],
    });
  });

  it("ls tells the living from the dead", async () => {
    const dir = path.join(temporaryDirectory(), "journal");
    const program = await living(dir);
    expect(json(dir, "ls")).toMatchObject({ unfinished: Array.from({ length: 50 }, () => ({ owner: "alive" })) });
    program.kill("SIGKILL");
    await program.exited;
    expect(json(dir, "ls")).toMatchObject({ unfinished: Array.from({ length: 50 }, () => ({ owner: "dead" })) });
  });

  it("ls cuts a long list in the terminal, and never as JSON", () => {
    const { journal, dir } = testJournal();
    for (let index = 0; index < 150; index++) accept(journal);
    expect(run(dir, "ls").stdout).toContain("... and 50 more (--json lists all)");
    expect(json(dir, "ls")).toMatchObject({ unfinished: { length: 150 } });
  });

  it("show shows one task with its payload, unfinished or dead", async () => {
    const { journal, dir } = testJournal();
    const plain = accept(journal, { key: "photos/1" });
    const rich = accept(journal, new Map([["at", new Date(0)]]));
    journal.moveToDeadLetters(plain, "exhausted", new RangeError("no"));
    await Promise.resolve();
    expect(json(dir, "show", plain.id)).toMatchObject({
      place: "dead letters",
      payload: { key: "photos/1" },
      reason: "exhausted",
    });
    expect(json(dir, "show", rich.id)).toMatchObject({
      place: "unfinished",
      payload: "Map(1) { 'at' => 1970-01-01T00:00:00.000Z }",
    });
    expect(run(dir, "show", rich.id).stdout).toContain("payload: Map(1) { 'at' => 1970-01-01T00:00:00.000Z }");
    expect(run(dir, "show", "nobody")).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("There is no task nobody"),
    });
  });

  it("shows nothing that a client wrote to the terminal as it is, and the same values as JSON", async () => {
    const { journal, dir } = testJournal();
    const hostile = "\u001b[2J\u009b31m\u202eevil\u2028\rid: forged\nreason: forged";
    const payload = { [hostile]: hostile, error: Object.assign(new Error(hostile), { note: hostile }) };
    const plain = accept(journal, hostile, hostile);
    const rich = accept(journal, payload, hostile);
    const dead = accept(journal, hostile, hostile);
    journal.moveToDeadLetters(dead, "exhausted", new Error(hostile));
    await Promise.resolve();
    writeFileSync(path.join(dir, "dead-letters", `${"\u001b[31m"}.letter`), "junk");
    const texts = [
      run(dir, "ls"),
      run(dir, "verify"),
      ...[plain, rich, dead].map(({ id }) => run(dir, "show", id)),
      run(dir, "show", hostile),
      run(dir, "retry", "--all"),
      run(dir, "bad\u001b[31m"),
    ];
    const harmful = /[\p{Cc}\u202e\u2028]/u;
    for (const { stdout, stderr } of texts) {
      expect((stdout + stderr).replaceAll("\n", "")).not.toMatch(harmful);
      expect(stdout).not.toMatch(/^(id|reason): forged/m);
    }
    const shown = spawnSync(process.execPath, [cli, "journal", dir, "show", plain.id, "--json"], { encoding: "utf8" });
    expect(shown.stdout.replaceAll("\n", "")).not.toMatch(harmful);
    expect(JSON.parse(shown.stdout)).toMatchObject({ task: hostile, payload: hostile });
  });

  it("retry has a living process run a dead letter at once, with its payload and its id", async () => {
    const dir = path.join(temporaryDirectory(), "journal");
    const { journal } = testJournal({ dir });
    const entry = accept(journal, { key: "photos/1" });
    journal.moveToDeadLetters(entry, "exhausted", new Error("no"));
    await journal.close();
    const program = await living(dir);
    expect(run(dir, "retry", entry.id)).toMatchObject({
      code: 0,
      stdout: "1 dead letter put back; a running process takes them over\n",
      stderr: "",
    });
    await program.waitFor(new RegExp(`^taken over ${entry.id} {"key":"photos/1"}$`, "m"));
    expect(json(dir, "ls")).toMatchObject({ deadLetters: [] });
    program.kill("SIGTERM");
    expect((await program.exited).stderr).toBe("");
  });

  it("retry --all leaves dead letters to the next start when nobody runs", async () => {
    const { journal, dir } = testJournal();
    const ids = [accept(journal), accept(journal)].map((entry) => {
      journal.moveToDeadLetters(entry, "exhausted", new Error("no"));
      return entry.id;
    });
    await journal.close();
    expect(json(dir, "retry", "--all")).toMatchObject({ retried: ids, missing: [], taken: false });
    expect((await pendingIn(dir)).map(({ id }) => id).sort()).toEqual([...ids].sort());
    expect(run(dir, "retry", "--all")).toMatchObject({ code: 0, stdout: "there are no dead letters\n" });
    expect(run(dir, "retry", "nobody")).toMatchObject({ code: 1, stdout: "there is no dead letter nobody\n" });
  });

  it("retry names the dead letters that cannot be put back, and puts back the others", async () => {
    const { journal, dir } = testJournal();
    const [bad, good] = [accept(journal), accept(journal)];
    for (const entry of [bad, good]) journal.moveToDeadLetters(entry, "exhausted", new Error("no"));
    await journal.close();
    writeFileSync(path.join(dir, "dead-letters", `${bad.id}.letter`), "junk");
    const { code, stdout } = run(dir, "retry", bad.id, good.id);
    expect(code).toBe(1);
    expect(stdout).toContain("1 dead letter put back");
    expect(stdout).toContain(`${bad.id} stays a dead letter`);
  });

  it("ls, show and verify go on beside a dead letter that cannot be read, and show it as damaged", () => {
    const { journal, dir } = testJournal();
    const [bad, good] = [accept(journal), accept(journal)];
    for (const entry of [bad, good]) journal.moveToDeadLetters(entry, "exhausted", new Error("no"));
    const file = path.join(dir, "dead-letters", `${bad.id}.letter`);
    rmSync(file);
    mkdirSync(file);
    expect(json(dir, "ls")).toMatchObject({
      deadLetters: expect.arrayContaining([
        expect.objectContaining({ id: bad.id, reason: "damaged" }),
        expect.objectContaining({ id: good.id, reason: "exhausted" }),
      ]),
    });
    expect(run(dir, "ls").stdout).toMatch(new RegExp(`^${bad.id} +damaged +0 `, "m"));
    expect(run(dir, "show", bad.id).stdout).toContain("reason: damaged");
    expect(run(dir, "verify")).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/3 files, 1 damaged\n$/),
    });
  });

  it("discard deletes dead letters, one or all", async () => {
    const { journal, dir } = testJournal();
    const ids = [accept(journal), accept(journal), accept(journal)].map((entry) => {
      journal.moveToDeadLetters(entry, "exhausted", new Error("no"));
      return entry.id;
    });
    expect(run(dir, "discard", ids[0] ?? "")).toMatchObject({ code: 0, stdout: "1 dead letter discarded\n" });
    expect(json(dir, "discard", "--all")).toMatchObject({ discarded: { length: 2 } });
    expect(filesIn(dir, ".letter")).toEqual([]);
  });

  it("verify reads every file, beside a living process too, and fails for a damaged one", async () => {
    const { journal, dir } = testJournal();
    const entry = accept(journal);
    accept(journal);
    journal.moveToDeadLetters(accept(journal), "exhausted", new Error("no"));
    await Promise.resolve();
    expect(run(dir, "verify")).toMatchObject({ code: 0, stdout: expect.stringMatching(/2 files, none damaged\n$/) });
    const [segment = ""] = filesIn(dir, ".segment");
    const bytes = readFileSync(segment);
    // Another value than it has, whatever it has.
    bytes.writeUInt8(bytes.readUInt8(entry.offset + 10) ^ 0xff, entry.offset + 10);
    writeFileSync(segment, bytes);
    const [letter = ""] = filesIn(dir, ".letter");
    writeFileSync(letter, readFileSync(letter).subarray(0, 40));
    const { code, stdout } = run(dir, "verify");
    expect(code).toBe(1);
    expect(stdout).toMatch(/\.segment +damaged +\d+ B +byte 16$/m);
    expect(stdout).toMatch(/\.letter +damaged +40 B +byte 16$/m);
    expect(stdout).toMatch(/2 files, 2 damaged\n$/);
  });

  it("reads a journal that a process writes to at full speed, and never holds it to be damaged", async () => {
    const writer = await bundled("accept.ts");
    const base = temporaryDirectory();
    const dir = path.join(base, "journal");
    const program = await startProgram(writer, {
      args: [dir, path.join(base, "trace"), "1"],
      execArgv: [],
      ready: /^kill me$/m,
    });
    for (let round = 0; round < 5; round++) {
      expect(run(dir, "verify")).toMatchObject({ code: 0, stderr: "" });
      expect(json(dir, "ls")).toMatchObject({ deadLetters: [] });
    }
    program.kill("SIGKILL");
    await program.exited;
  });

  it("changes nothing by looking", () => {
    const { journal, dir } = testJournal();
    accept(journal);
    const state = (): unknown => filesIn(dir, "").map((file) => [file, statSync(file).mtimeMs, statSync(file).size]);
    const before = state();
    for (const command of ["ls", "verify"]) run(dir, command);
    expect(state()).toEqual(before);
  });

  it("makes no directory for a mistyped one", () => {
    const base = temporaryDirectory();
    expect(run(path.join(base, "journall"), "ls")).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(/journall is no directory \(expected: journal <dir> <command>\)/),
    });
    expect(readdirSync(base)).toEqual([]);
  });

  it("refuses to put dead letters back as a user whose files the application could not read, or where others can write", () => {
    const { dir } = testJournal();
    chmodSync(dir, 0o777);
    expect(run(dir, "retry", "--all")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("others can write to"),
    });
    chmodSync(dir, 0o700);
  });

  it("explains how it is used, and exits with 2 for what it does not know", () => {
    const { dir } = testJournal();
    expect(run("--help")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Usage: offload-after-response journal <dir> <command>/),
    });
    for (const args of [
      [],
      [dir],
      [dir, "list"],
      [dir, "show"],
      [dir, "retry"],
      [dir, "retry", "a", "--all"],
      [dir, "ls", "--yaml"],
    ]) {
      expect(run(...args)).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("Usage:") });
    }
  });
});
