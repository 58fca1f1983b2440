// The journal against a plain Map, through random lives of processes: tasks are accepted, run, end, die; processes are killed,
// closed, started; disks fill up.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Journal } from "../../src/journal/journal.js";
import type { JournalEntry } from "../../src/journal/log/segment.js";
import { FaultyFileSystem } from "./faulty-file-system.js";
import { afterKill, cleanUp, payloadBytes, replayed, testJournal } from "./journals.js";

interface ModelTask {
  readonly payload: unknown;
  /** Where it is in the order of acceptance. */
  readonly order: number;
  attempt: number;
  interrupted: number;
  running: boolean;
}

interface DeadLetter {
  readonly payload: unknown;
  readonly interrupted: number;
}

const maxStarts = 4;

type Step =
  | {
      readonly do: "accept";
      readonly payload: unknown;
      readonly fault: "none" | "ENOSPC" | "EIO" | "short" | "short, uncut";
    }
  | { readonly do: "start" | "stop" | "end" | "fail"; readonly pick: number }
  | { readonly do: "retry" | "discard"; readonly pick: number }
  | { readonly do: "kill" | "close" };

const pick = fc.nat(1_000);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant("accept" as const),
        payload: fc.oneof(
          fc.jsonValue({ maxDepth: 2 }),
          fc.date({ noInvalidDate: true }),
          fc.integer({ min: 1, max: 2_000_000 }).map((size) => "x".repeat(size)),
          fc
            .tuple(fc.integer({ min: 2, max: 2_000 }), fc.nat(255))
            .map(([size, byte]) => payloadBytes(new Uint8Array(size).fill(byte, 1), [1, size - 1])),
        ),
        fault: fc.oneof(
          { weight: 8, arbitrary: fc.constant("none" as const) },
          {
            weight: 2,
            arbitrary: fc.constantFrom("ENOSPC" as const, "EIO" as const, "short" as const, "short, uncut" as const),
          },
        ),
      }),
    },
    {
      weight: 10,
      arbitrary: fc.record({
        do: fc.constantFrom("start" as const, "stop" as const, "end" as const, "fail" as const),
        pick,
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("retry" as const, "discard" as const), pick }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("kill" as const, "close" as const) }) },
  ),
  { maxLength: 60 },
);

class Run {
  readonly model = new Map<string, ModelTask>();
  readonly deadLetters = new Map<string, DeadLetter>();
  readonly entries = new Map<string, JournalEntry>();
  #disk = new FaultyFileSystem();
  #clock = 1_000_000;
  #accepted = 0;
  #dir: string;
  #journal: Journal;

  constructor() {
    ({ dir: this.#dir, journal: this.#journal } = this.#open());
  }

  async step(step: Step): Promise<void> {
    switch (step.do) {
      case "accept":
        this.#accept(step.payload, step.fault);
        break;
      case "kill":
        // Steps are written at the end of the turn.
        await Promise.resolve();
        await this.#restart(afterKill(this.#dir), true);
        break;
      case "close":
        await this.#journal.close();
        await this.#restart(this.#dir, false);
        break;
      case "retry":
      case "discard":
        this.#answerDeadLetter(step.do, step.pick);
        break;
      default:
        this.#advance(step.do, step.pick);
    }
    expect(this.#journal.stats.pending).toBe(this.model.size);
  }

  async check(): Promise<void> {
    await Promise.resolve();
    await this.#restart(afterKill(this.#dir), true);
    const found = await this.#journal.deadLetters.list();
    expect(new Set(found.map(({ id }) => id))).toEqual(new Set(this.deadLetters.keys()));
  }

  #open(dir?: string) {
    return testJournal({ dir, fs: this.#disk.fs, now: () => this.#clock, maxStarts });
  }

  #accept(payload: unknown, fault: string): void {
    const id = `m-${(this.#accepted++).toString(36)}`;
    if (fault === "ENOSPC" || fault === "EIO") this.#disk.fail("write", { code: fault, times: 1 });
    if (fault.startsWith("short")) this.#disk.shorten(20);
    if (fault === "short, uncut") this.#disk.fail("truncate", { code: "EIO" });
    try {
      const entry = this.#journal.accept({ id, task: "work", payload, dispatch: undefined, context: undefined });
      this.entries.set(id, entry);
      this.model.set(id, { payload, order: this.#clock++, attempt: 0, interrupted: 0, running: false });
    } catch (error) {
      expect(error).toMatchObject({ statusCode: 503 });
      expect(["ENOSPC", "EIO"]).toContain(fault);
    }
    this.#disk.heal();
  }

  #advance(what: "start" | "stop" | "end" | "fail", index: number): void {
    const [id, task] = nth(this.model, index) ?? [];
    const entry = id === undefined ? undefined : this.entries.get(id);
    if (id === undefined || task === undefined || entry === undefined) return;
    if (what === "start" && !task.running) {
      task.running = true;
      task.attempt++;
      this.#journal.started(entry, task.attempt);
    }
    if (what === "stop" && task.running) {
      task.running = false;
      this.#journal.stopped(entry);
    }
    if (what === "end") {
      this.model.delete(id);
      this.#journal.ended(entry, "succeeded");
    }
    if (what === "fail") {
      this.model.delete(id);
      this.deadLetters.set(id, { payload: task.payload, interrupted: task.interrupted });
      expect(this.#journal.moveToDeadLetters(entry, "exhausted", new Error("model"))).toBe(true);
    }
  }

  #answerDeadLetter(what: "retry" | "discard", index: number): void {
    const [id, deadLetter] = nth(this.deadLetters, index) ?? [];
    if (id === undefined || deadLetter === undefined) return;
    this.deadLetters.delete(id);
    if (what === "discard") {
      expect(this.#journal.deadLetters.discard(id)).toBe(true);
      return;
    }
    const task = this.#journal.deadLetters.retry(id);
    expect(task).toMatchObject({ id, attempt: 0, interrupted: 0 });
    if (task === undefined) return;
    expect(task.payload).toEqual(deadLetter.payload);
    this.entries.set(id, task.entry);
    this.model.set(id, {
      payload: deadLetter.payload,
      order: this.#clock++,
      attempt: 0,
      interrupted: 0,
      running: false,
    });
  }

  async #restart(dir: string, killed: boolean): Promise<void> {
    if (killed) this.#die();
    for (const task of this.model.values()) {
      // An attempt that was cut short is none, by the death of the process or by the close of the journal.
      if (task.running) task.attempt--;
      task.running = false;
    }
    ({ dir: this.#dir, journal: this.#journal } = this.#open(dir));
    this.entries.clear();
    const tasks = await replayed(this.#journal);
    const expected = [...this.model].sort(([, a], [, b]) => a.order - b.order);
    expect(tasks.map(({ id, payload, attempt, interrupted }) => ({ id, payload, attempt, interrupted }))).toEqual(
      expected.map(([id, { payload, attempt, interrupted }]) => ({ id, payload, attempt, interrupted })),
    );
    for (const { id, entry } of tasks) this.entries.set(id, entry);
  }

  #die(): void {
    for (const [id, task] of this.model) {
      if (!task.running) continue;
      task.interrupted++;
      if (task.interrupted < maxStarts) continue;
      this.model.delete(id);
      this.deadLetters.set(id, { payload: task.payload, interrupted: task.interrupted });
    }
  }
}

function nth<Value>(map: ReadonlyMap<string, Value>, index: number): [string, Value] | undefined {
  return [...map][index % Math.max(1, map.size)];
}

describe("the journal", () => {
  it("agrees with a Map, whatever happens", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (life) => {
        const run = new Run();
        for (const step of life) await run.step(step);
        await run.check();
        await cleanUp();
      }),
      { numRuns: Number(process.env.JOURNAL_MODEL_RUNS ?? 60) },
    );
  }, 120_000);
});
