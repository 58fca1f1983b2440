// The engine on the main thread, driven at random with the real scheduler: whatever is added, ended, stopped and paused, and
// whatever listeners do, every task has one end.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { turn } from "../../../src/base/time.js";
import type { Task } from "../../../src/core/task.js";
import { type CallbackPayload, createCallbacksEngine } from "../../../src/engine/callbacks/callbacks.js";
import { FakeClock } from "../../support/fake-clock.js";
import { defineTask } from "../../support/tasks.js";
import { TestHost } from "../host.js";

const which = fc.nat(1_000);
const name = fc.constantFrom("free", "two", "one");
const command = fc.oneof(
  {
    arbitrary: fc.record({
      act: fc.constant("add" as const),
      name,
      attempts: fc.integer({ min: 1, max: 2 }),
      timeout: fc.constantFrom(0, 0, 20),
      /** What a listener of its start does. */
      cancelledAtStart: fc.integer({ min: 0, max: 4 }).map((draw) => draw === 0),
    }),
    weight: 5,
  },
  {
    arbitrary: fc.record({ act: fc.constantFrom("return" as const, "throw" as const, "cancel" as const), which }),
    weight: 5,
  },
  {
    arbitrary: fc.record({ act: fc.constantFrom("pause" as const, "resume" as const), name: fc.option(name) }),
    weight: 2,
  },
  { arbitrary: fc.record({ act: fc.constant("advance" as const), ms: fc.nat(40) }), weight: 2 },
  { arbitrary: fc.record({ act: fc.constant("turn" as const) }), weight: 3 },
);

type Command = typeof command extends fc.Arbitrary<infer Each> ? Each : never;

interface Running {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

class Run {
  readonly #clock = new FakeClock();
  readonly #engine = createCallbacksEngine({ concurrency: 3, abortGrace: 10, clock: this.#clock });
  readonly host = new TestHost(this.#engine, { clock: this.#clock });
  readonly tasks: Task[] = [];
  readonly #cancelledAtStart = new Set<string>();
  /** Code that runs, also of attempts that have been given up. */
  readonly #running: Running[] = [];
  readonly #definitions = {
    free: defineTask("free", {}, "callback"),
    two: defineTask("two", { concurrency: 2 }, "callback"),
    one: defineTask("one", { concurrency: 1 }, "callback"),
  };

  constructor() {
    this.host.start();
    this.host.events.on("started", ({ id }) => {
      const task = this.tasks.find((other) => other.id === id);
      if (task !== undefined && this.#cancelledAtStart.has(id)) this.host.scheduler.cancel(task, undefined);
      for (const { counts, policy } of Object.values(this.#definitions)) {
        expect(counts.in("running")).toBeLessThanOrEqual(policy.concurrency);
      }
    });
  }

  async do(command: Command): Promise<void> {
    const { scheduler } = this.host;
    switch (command.act) {
      case "add":
        this.#add(command);
        return;
      case "return":
      case "throw": {
        const [code] = this.#running.splice(command.which % Math.max(1, this.#running.length), 1);
        if (command.act === "return") code?.resolve("done");
        else code?.reject(new Error("no"));
        return;
      }
      case "cancel": {
        const task = this.tasks[command.which % Math.max(1, this.tasks.length)];
        if (task !== undefined) scheduler.cancel(task, undefined);
        return;
      }
      case "pause":
        scheduler.pauses.pause(command.name ?? undefined);
        return;
      case "resume":
        scheduler.pauses.resume(command.name ?? undefined);
        return;
      case "advance":
        this.#clock.advance(command.ms);
        return;
      case "turn":
        await turn();
    }
  }

  #add({ name, attempts, timeout, cancelledAtStart }: Extract<Command, { act: "add" }>): void {
    const payload: CallbackPayload = {
      callback: () => new Promise((resolve, reject) => void this.#running.push({ resolve, reject })),
      inContext: (code, argument) => code(argument),
      outcome: undefined,
    };
    const task = this.host.hold(this.#definitions[name], { attempts, timeout, backoff: 5 }, { payload });
    this.tasks.push(task);
    if (cancelledAtStart) this.#cancelledAtStart.add(task.id);
    this.host.scheduler.release(task);
  }

  /** Everything may go on, and does. */
  async finish(): Promise<void> {
    this.host.scheduler.pauses.resumeAll();
    for (let round = 0; this.host.ledger.unfinished > 0 && round < 1_000; round++) {
      await turn();
      for (const code of this.#running.splice(0)) code.resolve("done");
      this.#clock.advance(10);
    }
  }

  get pendingTimers(): number {
    return this.#clock.pending;
  }
}

describe("the engine on the main thread, driven at random", () => {
  it("ends every task once, keeps every limit, and leaves no timer behind", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 10, maxLength: 60, size: "max" }), async (commands) => {
        const run = new Run();
        for (const each of commands) await run.do(each);
        await run.finish();
        const finals = ["succeeded", "failed", "cancelled"];
        for (const task of run.tasks) {
          const story = run.host.story(task);
          expect(story.filter((event) => finals.includes(event))).toEqual([story.at(-1)]);
        }
        expect([run.host.ledger.unfinished, run.pendingTimers]).toEqual([0, 0]);
      }),
      { numRuns: 200 },
    );
  });
});
