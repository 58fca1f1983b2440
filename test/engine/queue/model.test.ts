// The queue and the ledger, driven at random beside a naive model: same order, same counts, one end for each task.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OffloadError } from "../../../../src/base/errors.js";
import { isFinal, type TaskState } from "../../../../src/core/states.js";
import type { Task } from "../../../../src/core/task.js";
import { TaskQueue } from "../../../../src/engine/threads/queue/task-queue.js";
import { FakeTiming } from "../../../support/fake-timing.js";
import { createLedger, defineTask, makeTask, recordEvents } from "../../../support/tasks.js";
import { type ModelTask, QueueModel } from "./queue-model.js";

const definitions = {
  plain: defineTask("plain"),
  other: defineTask("other"),
  two: defineTask("two", { concurrency: 2 }),
  one: defineTask("one", { concurrency: 1 }),
};

type Name = keyof typeof definitions;

const which = fc.nat(1_000);
const add = {
  act: fc.constant("add" as const),
  priority: fc.constantFrom("high" as const, "normal" as const, "low" as const),
  held: fc.boolean(),
};
const addPlain = fc.record({
  ...add,
  name: fc.constantFrom<Name>("plain", "other", "two", "one"),
  key: fc.constant(undefined),
  onDuplicate: fc.constant("skip" as const),
});
// Of few names and with one key, so that they meet.
const addKeyed = fc.record({
  ...add,
  name: fc.constantFrom<Name>("plain", "two"),
  key: fc.constant("k"),
  onDuplicate: fc.constantFrom("skip" as const, "replace" as const, "replace" as const),
});
const command = fc.oneof(
  { arbitrary: addPlain, weight: 4 },
  { arbitrary: addKeyed, weight: 4 },
  { arbitrary: fc.record({ act: fc.constant("take" as const), count: fc.integer({ min: 1, max: 6 }) }), weight: 5 },
  { arbitrary: fc.record({ act: fc.constant("release" as const), which }), weight: 2 },
  { arbitrary: fc.record({ act: fc.constant("end" as const), which, fails: fc.boolean() }), weight: 2 },
  {
    arbitrary: fc.record({ act: fc.constant("retry" as const), which, delay: fc.integer({ min: 1, max: 60 }) }),
    weight: 2,
  },
  { arbitrary: fc.record({ act: fc.constant("take back" as const), which: fc.nat(4) }), weight: 1 },
  { arbitrary: fc.record({ act: fc.constant("cancel" as const), which }), weight: 2 },
  { arbitrary: fc.record({ act: fc.constant("advance" as const), ms: fc.integer({ min: 1, max: 50 }) }), weight: 2 },
);

type Command = typeof command extends fc.Arbitrary<infer Each> ? Each : never;

/** The real queue and the model, and every command done to both. */
class Run {
  readonly model = new QueueModel();
  readonly #timing = new FakeTiming();
  readonly #parts = createLedger();
  readonly #heard = recordEvents(this.#parts.events);
  readonly #definitions = Object.fromEntries(
    Object.entries(definitions).map(([name, { policy }]) => [name, defineTask(name, policy)]),
  );
  readonly #real: Task[] = [];
  readonly #modelOf = new Map<Task, ModelTask>();
  #woken = 0;
  #delays = 0;
  readonly queue = new TaskQueue(this.#parts.ledger, () => void this.#woken++, this.#timing);

  do(command: Command): void {
    const wasEmpty = this.queue.length === 0;
    this.#woken = 0;
    this.act(command);
    this.check();
    // Who has seen the queue empty must be woken, or the task waits for ever.
    if (wasEmpty && this.queue.length > 0) expect(this.#woken).toBeGreaterThan(0);
  }

  act(command: Command): void {
    const { model } = this;
    switch (command.act) {
      case "add":
        this.#add(command);
        return;
      case "take":
        for (let i = 0; i < command.count; i++) this.take();
        return;
      case "release": {
        const task = pick(model.in("held"), command.which);
        if (task) this.#release(task);
        return;
      }
      case "end": {
        const task = pick(model.in("running"), command.which);
        if (task) this.end(task, command.fails);
        return;
      }
      case "retry": {
        const task = pick(model.in("running"), command.which);
        if (task === undefined) return;
        // No two are due at the same moment, for their order is then nobody's business.
        const delay = command.delay + ++this.#delays / 10_000;
        model.retry(task, delay);
        this.queue.retry(this.#realOf(task), delay, new Error("again"), 1);
        return;
      }
      case "take back": {
        // As a pool does it: the last started goes back first.
        const started = model
          .in("running")
          .slice(-1 - command.which)
          .reverse();
        for (const task of started) {
          this.queue.takeBack(this.#realOf(task));
          model.takeBack(task);
        }
        return;
      }
      case "cancel": {
        const waiting = model.unfinished().filter(({ state }) => state !== "running");
        const task = pick(waiting, command.which);
        if (task) this.#cancel(task);
        return;
      }
      case "advance":
        this.advance(command.ms);
    }
  }

  /** As the dispatcher accepts a task. */
  #add({ name, priority, key, onDuplicate, held }: Extract<Command, { act: "add" }>): void {
    const definition = this.#definitions[name] ?? definitions.plain;
    const twin = key === undefined ? undefined : this.queue.keys.find(name, key);
    const modelTwin = key === undefined ? undefined : this.model.holder(name, key);
    expect(twin && this.#modelOf.get(twin)).toBe(modelTwin);
    if (modelTwin !== undefined && onDuplicate === "skip") return;
    const task = makeTask(definition, { priority, key });
    const made = this.model.accept({ name, limit: definition.policy.concurrency, priority, key });
    this.#real.push(task);
    this.#modelOf.set(task, made);
    if (key !== undefined) this.queue.keys.claim(task, key);
    if (modelTwin !== undefined && modelTwin.state !== "running") this.#cancel(modelTwin);
    this.#parts.ledger.accept(task);
    if (!held) this.#release(made);
  }

  #release(task: ModelTask): void {
    this.model.release(task);
    this.queue.add(this.#realOf(task));
  }

  take(): Task | undefined {
    const expected = this.model.next();
    const task = this.queue.take(() => true);
    const taken = task && this.#modelOf.get(task);
    if (this.model.exact) {
      if (taken === undefined) expect(expected.map(({ index }) => index)).toEqual([]);
      else expect(expected.map(({ index }) => index)).toContain(taken.index);
    } else if (taken) expect(this.model.mayRun(taken)).toBe(true);
    if (taken) this.model.start(taken);
    else expect(this.queue.length).toBe(0);
    return task;
  }

  end(task: ModelTask, fails: boolean): void {
    const { ledger } = this.#parts;
    this.model.end(task);
    if (fails) ledger.failed(this.#realOf(task), new Error("failed"), 1);
    else ledger.succeeded(this.#realOf(task), task.index, 1);
  }

  #cancel(task: ModelTask): void {
    const { ledger } = this.#parts;
    const real = this.#realOf(task);
    const wasHeld = task.state === "held";
    this.model.end(task);
    const finish = () => ledger.cancelled(real, new OffloadError("AR_CANCELLED", "cancelled"));
    if (wasHeld) finish();
    else this.queue.withdraw(real, finish);
  }

  advance(ms: number): void {
    this.model.advance(ms);
    this.#timing.advance(ms);
  }

  check(): void {
    const { ledger } = this.#parts;
    const { model, queue } = this;
    const states = ["held", "queued", "running", "delayed"] as const;
    const counts = ledger.counts.all();
    const inLanes = model.inLanes();
    const free = inLanes.filter(({ limit }) => limit === Number.POSITIVE_INFINITY).length;
    const hasNext = model.exact && model.next().length > 0;
    expect({
      tasks: this.#real.map(({ state, attempt }) => `${isFinal(state) ? "ended" : state} ${attempt}`),
      list: ledger.list().map((task) => this.#modelOf.get(task)?.index),
      unfinished: ledger.unfinished,
      counts: states.map((state) => counts[state]),
      timers: this.#timing.pending,
      // Those over their name's limit are in the length until they are found to be.
      length: queue.length >= free && queue.length <= inLanes.length && (queue.length > 0 || !hasNext),
    }).toEqual({
      tasks: model.tasks.map(({ state, attempt }) => `${state} ${attempt}`),
      list: model.unfinished().map(({ index }) => index),
      unfinished: model.unfinished().length,
      counts: states.map((state) => model.in(state).length),
      timers: model.in("delayed").length > 0 ? 1 : 0,
      length: true,
    });
  }

  /** Everything is released and run: nothing starves, nothing is left behind. */
  finish(): void {
    for (const task of this.model.in("held")) this.#release(task);
    while (this.model.unfinished().length > 0) {
      const took = this.take();
      const running = this.model.in("running")[0];
      if (running) this.end(running, false);
      else if (this.model.in("delayed").length > 0) this.advance(100);
      else expect(took).toBeDefined();
    }
    this.check();
    expect(this.queue.length).toBe(0);
    for (const task of this.#real) {
      const own = this.#heard.filter(({ event }) => event.id === task.id).map(({ name }) => name);
      const ends = own.filter((name) => isFinal(name as TaskState));
      expect([own[0], own.lastIndexOf("accepted"), ends]).toEqual(["accepted", 0, [own.at(-1)]]);
    }
  }

  #realOf(task: ModelTask): Task {
    return this.#real[task.index] as Task;
  }
}

describe("the queue, driven at random", () => {
  it("does what the naive model does, and every task accepted has exactly one end", () => {
    fc.assert(
      fc.property(fc.array(command, { minLength: 30, maxLength: 120, size: "max" }), (commands) => {
        const run = new Run();
        for (const each of commands) run.do(each);
        run.finish();
      }),
      { numRuns: 200 },
    );
  });

  it("starves nobody: with a steady stream into the lanes above, each task starts within a bounded number of others", () => {
    const run = new Run();
    const add = (priority: "high" | "normal" | "low", name: Name = "plain") =>
      run.act({ act: "add", name, priority, key: undefined, onDuplicate: "skip", held: false });
    for (let i = 0; i < 3; i++) {
      add("low");
      add("normal");
    }
    const last = run.model.tasks.length;
    for (let i = 0; i < 3 * 256; i++) {
      add("high");
      run.take();
    }
    expect(run.model.tasks.slice(0, last).filter(({ state }) => state === "queued")).toEqual([]);
  });
});

function pick<Item>(items: readonly Item[], index: number): Item | undefined {
  return items[index % Math.max(1, items.length)];
}
