// The journal across real processes that are killed by signal 9, kill themselves, and are shut down.
import { chmodSync, cpSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { DeadLetter, ShutdownReport } from "offload-after-response";
import { describe, expect, it } from "vitest";
import { makeDirectory } from "../support/directory.js";
import { type Program, startProgram } from "../support/process.js";
import type { JournalSituation } from "./fixtures/journal-app.js";
import { runJournalChaos } from "./journal-chaos.js";
import { deadLettersIn, runCommand } from "./journal-command.js";

const app = "test/scenarios/fixtures/journal-app.ts";
const patience = { timeout: 60_000 };

/** A directory for a journal, and the file in which the tasks write. */
function place() {
  const dir = makeDirectory();
  const file = path.join(dir, "done");
  const call = (name: string, ms = 0) => ({ task: "work", payload: { file, name, ms } }) as const;
  return { journal: { dir: path.join(dir, "journal") }, file, call };
}

function start(
  situation: JournalSituation,
  ready = /^dispatched$/m,
  env: Readonly<Record<string, string>> = {},
): Promise<Program> {
  return startProgram(app, { args: [JSON.stringify(situation)], ready, env });
}

/** Starts a program that kills itself, and returns what it wrote. */
async function startAndDie(situation: JournalSituation): Promise<string> {
  const { exited } = await start({ ...situation, dies: true }, /^accepted/m);
  const { signal, stdout } = await exited;
  expect(signal).toBe("SIGKILL");
  return stdout;
}

/** The ids in the lines of one event, in their order. */
function ids(output: string, event: string): string[] {
  return [...output.matchAll(new RegExp(`^${event} (\\S+) `, "gm"))].map(([, id = ""]) => id);
}

function names(file: string): string[] {
  return readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => line.split(" ")[0] ?? "");
}

describe("kill -9", () => {
  it(
    "right after the calls have returned loses nothing: the next process runs all of it, in order",
    patience,
    async () => {
      const { journal, file, call } = place();
      const calls = Array.from({ length: 20 }, (_, index) => call(String(index)));
      const output = await startAndDie({ journal, calls });
      expect(ids(output, "succeeded")).toEqual([]);

      const next = await start({ journal });
      await next.waitFor(new RegExp(`^succeeded ${ids(output, "accepted").at(-1)} 1$`, "m"));
      next.kill("SIGTERM");
      expect((await next.exited).code).toBe(0);
      expect(names(file)).toEqual(calls.map(({ payload }) => payload.name));
      const written = readFileSync(file, "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => line.split(" ")[1]);
      expect(written).toEqual(ids(output, "accepted"));
    },
  );

  it("loses no task whose response has not ended", patience, async () => {
    const { journal, file, call } = place();
    await startAndDie({ journal, calls: [{ ...call("held"), held: true }] });
    const next = await start({ journal });
    await next.waitFor(/^succeeded /m);
    expect(names(file)).toEqual(["held"]);
    next.kill("SIGKILL");
  });

  it("has the task that ran run again, as the same attempt", patience, async () => {
    const { journal, file, call } = place();
    const first = await start({ journal, calls: [call("long", 600_000)] });
    const [, id] = await first.waitFor(/^started (\S+) 1$/m);
    first.kill("SIGKILL");
    await first.exited;
    const second = await start({ journal }, /^ready$/m);
    await second.waitFor(new RegExp(`^started ${id} 1$`, "m"));
    second.kill("SIGKILL");
    await second.exited;
    expect(() => readFileSync(file)).toThrow("ENOENT");
  });
});

describe("what comes back", () => {
  const asGiven = "[[1,2,3,4,4],[5,6,2]]\n";

  it("after kill -9 is what the call was given: a typed array has a buffer of its own bytes", patience, async () => {
    const { journal, file } = place();
    await startAndDie({ journal, calls: [{ task: "buffers", payload: { file }, typed: true }] });
    const next = await start({ journal }, /^succeeded/m);
    expect(readFileSync(file, "utf8")).toBe(asGiven);
    next.kill("SIGKILL");
  });

  it("from the dead letters is what the call was given too", patience, async () => {
    const { journal, file } = place();
    const repaired = `${file}.repaired`;
    await startAndDie({ journal, calls: [{ task: "buffers", payload: { file, repaired }, typed: true }] });
    const next = await start({ journal, stays: true }, /^failed/m);
    writeFileSync(repaired, "");
    runCommand(journal.dir, "retry", "--all");
    await next.waitFor(/^succeeded/m);
    expect(readFileSync(file, "utf8")).toBe(asGiven);
    next.kill("SIGKILL");
  });

  it("from a journal of version 1 is what the call was given too", patience, async () => {
    const { journal, file } = place();
    cpSync(path.join(import.meta.dirname, "../journal/fixtures/v1"), journal.dir, { recursive: true });
    chmodSync(journal.dir, 0o700);
    const situation = { journal, tasks: "./journal-v1-tasks.js" };
    const next = await start(situation, /^succeeded a-v8 /m, { NOTES: file });
    expect(readFileSync(file, "utf8")).toBe("[1,2,3,3]\n");
    next.kill("SIGKILL");
  });

  it(
    "comes back at the start, though no thread is started before there is work and nobody calls",
    patience,
    async () => {
      const { journal, call, file } = place();
      await startAndDie({ journal, calls: [call("left")] });
      const next = await start({ journal, minThreads: 0, stays: true, awaitsNothing: true });
      await next.waitFor(/^succeeded/m);
      expect(names(file)).toEqual(["left"]);
      next.kill("SIGKILL");
    },
  );
});

it("a sibling that is killed leaves its tasks to one that lives, and no third start is needed", patience, async () => {
  const { journal, call, file } = place();
  const old = await start({ journal, calls: [call("long", 600_000), call("of-the-old")] }, /^started/m);
  const living = await start({ journal, stays: true }, /^ready$/m);
  old.kill("SIGKILL");
  const [, long] = ids(old.output, "accepted");
  await living.waitFor(new RegExp(`^accepted ${long} `, "m"));
  expect(ids(living.output, "accepted")).toEqual(ids(old.output, "accepted"));
  expect(() => readFileSync(file)).toThrow("ENOENT");
  living.kill("SIGKILL");
});

it(
  "a task that kills its process goes to the dead letters after maxStarts, and the process comes up",
  patience,
  async () => {
    const { journal: place_, file, call } = place();
    const journal = { ...place_, maxStarts: 2 };
    const first = await start({ journal, calls: [{ task: "kills" }, call("innocent")] }, /^accepted/m);
    expect((await first.exited).signal).toBe("SIGKILL");
    const [id, innocent] = ids(first.output, "accepted");
    const second = await start({ journal }, /^accepted/m);
    expect((await second.exited).signal).toBe("SIGKILL");

    const third = await start({ journal }, /^ready$/m);
    await third.waitFor(new RegExp(`^succeeded ${innocent} 1$`, "m"));
    third.kill("SIGTERM");
    expect((await third.exited).code).toBe(0);
    expect(names(file)).toEqual(["innocent"]);
    const letters: DeadLetter[] = deadLettersIn(journal.dir);
    expect(letters).toMatchObject([{ id, task: "kills", reason: "crashed", interrupted: 2, attempts: 0 }]);
  },
);

it("what is unfinished at the deadline of a shutdown stays in the journal; the exit is clean", patience, async () => {
  const { journal, file, call } = place();
  // Long enough for a busy machine: at its end the process is killed, whatever it was about to say.
  const shutdown = { timeout: 6_000 };
  const first = await start({ journal, shutdown, calls: [{ task: "stubborn" }, call("one"), call("two")] });
  await first.waitFor(/^started/m);
  first.kill("SIGTERM");
  const { code, stdout } = await first.exited;
  expect(code).toBe(0);
  const report: ShutdownReport = JSON.parse(stdout.match(/^report (.*)$/m)?.[1] ?? "{}");
  expect(report).toMatchObject({ journaled: 3, abandoned: [], exitCode: 0 });

  const accepted = ids(stdout, "accepted");
  const second = await start({ journal, shutdown }, /^ready$/m);
  await second.waitFor(new RegExp(`^started ${accepted[0]} 1$`, "m"));
  second.kill("SIGKILL");
  await second.exited;
  expect(() => readFileSync(file)).toThrow("ENOENT");
});

it(
  "a living process keeps its tasks, and those of a dead one are run once, by it or by a new one",
  patience,
  async () => {
    const { journal, file, call } = place();
    const living = await start({ journal, maxThreads: 2, calls: [call("of the living", 600_000)] });
    const [, own] = await living.waitFor(/^started (\S+) 1$/m);
    const output = await startAndDie({ journal, calls: [call("of-the-dead")] });
    const next = await start({ journal, stays: true }, /^ready$/m);
    await Promise.any([living.waitFor(/^succeeded /m), next.waitFor(/^succeeded /m)]);
    next.kill("SIGTERM");
    const { stdout } = await next.exited;
    const [dead] = ids(output, "accepted");
    expect([...ids(living.output, "accepted"), ...ids(stdout, "accepted")]).toEqual([own, dead]);
    expect(names(file)).toEqual(["of-the-dead"]);
    living.kill("SIGKILL");
  },
);

it("under load and killed five times, it loses nothing and repeats no more than what ran", patience, async () => {
  const report = await runJournalChaos({ kills: 5, seed: 20, threads: 2 });
  expect(report.violations).toEqual([]);
  expect(report.accepted).toBeGreaterThan(200);
});

it("while somebody removes the sockets of its processes, it loses nothing", patience, async () => {
  const report = await runJournalChaos({ kills: 6, seed: 22, threads: 2, siblings: 2, removesSockets: true });
  // A sibling that looks before the owner has noticed takes its tasks over, so they may run in both: at least once.
  expect(report.violations.filter((violation) => !violation.includes("repeats"))).toEqual([]);
  expect(report.accepted).toBeGreaterThan(200);
});

it("killed while siblings live, or by a task that runs out of memory, it loses nothing either", patience, async () => {
  const report = await runJournalChaos({ kills: 6, seed: 21, threads: 2, siblings: 2, exhaustEvery: 3 });
  expect(report.violations).toEqual([]);
  expect(report.exhausted).toBeGreaterThan(0);
  expect(report.accepted).toBeGreaterThan(200);
});
