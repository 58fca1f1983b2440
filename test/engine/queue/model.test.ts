// The queue of an engine with the scheduler and the ledger, driven at random beside a naive model: same order, same counts,
// one end for each task.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Priority } from "../../../src/core/definition.js";
import { isFinal, type TaskState } from "../../../src/core/states.js";
import type { Task } from "../../../src/core/task.js";
import { FakeClock } from "../../support/fake-clock.js";
import { defineTask, makeTask } from "../../support/tasks.js";
import { TestHost } from "../host.js";
import { QueueEngine } from "./queue-engine.js";
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
  // Mostly of one lane, so that they meet there.
  priority: fc.constantFrom<Priority[]>("normal", "normal", "normal", "normal", "high", "low"),
  held: fc.boolean(),
};
const addPlain = fc.record({
  ...add,
  name: fc.constantFrom<Name>("plain", "other", "two", "one", "one"),
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
  { arbitrary: fc.record({ act: fc.constant("cancel next" as const), which }), weight: 2 },
  { arbitrary: fc.record({ act: fc.constant("advance" as const), ms: fc.integer({ min: 1, max: 50 }) }), weight: 2 },
  {
    arbitrary: fc.record({
      act: fc.constantFrom("pause" as const, "resume" as const, "resume" as const),
      name: fc.constantFrom(undefined, "other", "two"),
    }),
    weight: 1,
  },
);

type Command = typeof command extends fc.Arbitrary<infer Each> ? Each : never;

/** The real queue and the model, and every command done to both. */
class Run {
  readonly model = new QueueModel();
  readonly #clock = new FakeClock();
  readonly #engine = new QueueEngine();
  readonly #host = new TestHost(this.#engine, { clock: this.#clock });
  readonly #definitions = Object.fromEntries(
    Object.entries(definitions).map(([name, { policy }]) => [name, defineTask(name, policy)]),
  );
  readonly #real: Task[] = [];
  readonly #modelOf = new Map<Task, ModelTask>();
  #delays = 0;
  #delay = 0;
  readonly queue = this.#engine.queue;

  constructor() {
    this.#host.start();
  }

  do(command: Command): void {
    const wasEmpty = this.queue.length === 0;
    this.#engine.woken = 0;
    this.act(command);
    this.check();
    // Who has seen the queue empty must be woken, or the task waits for ever.
    if (wasEmpty && this.queue.length > 0) expect(this.#engine.woken).toBeGreaterThan(0);
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
        this.#delay = delay;
        this.#engine.fail(this.#realOf(task));
        return;
      }
      case "take back": {
        // As a pool does it: the last started goes back first.
        const started = model
          .in("running")
          .slice(-1 - command.which)
          .reverse();
        for (const task of started) {
          this.#engine.takeBack(this.#realOf(task));
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
      case "pause":
        model.pause(command.name);
        this.#host.scheduler.pauses.pause(command.name);
        return;
      case "resume":
        model.resume(command.name);
        this.#host.scheduler.pauses.resume(command.name);
        return;
      case "cancel next": {
        // One whose turn it is: others may have waited behind it.
        const task = pick(model.next(), command.which);
        if (task) this.#cancel(task);
        return;
      }
      case "advance":
        this.advance(command.ms);
    }
  }

  /** As the intake accepts a task. */
  #add({ name, priority, key, onDuplicate, held }: Extract<Command, { act: "add" }>): void {
    const definition = this.#definitions[name] ?? definitions.plain;
    const { scheduler } = this.#host;
    const twin = key === undefined ? undefined : scheduler.keys.find(name, key);
    const modelTwin = key === undefined ? undefined : this.model.holder(name, key);
    expect(twin && this.#modelOf.get(twin)).toBe(modelTwin);
    if (modelTwin !== undefined && onDuplicate === "skip") return;
    const task = makeTask(definition, { priority, key, attempts: 1_000, backoff: () => this.#delay });
    const made = this.model.accept({ name, limit: definition.policy.concurrency, priority, key });
    this.#real.push(task);
    this.#modelOf.set(task, made);
    scheduler.accept(task);
    if (modelTwin !== undefined && modelTwin.state !== "running") this.#cancel(modelTwin);
    if (!held) this.#release(made);
  }

  #release(task: ModelTask): void {
    this.model.release(task);
    this.#host.scheduler.release(this.#realOf(task));
  }

  take(): Task | undefined {
    const expected = this.model.next();
    const task = this.#engine.take();
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
    this.model.end(task);
    if (fails) this.#engine.failForGood(this.#realOf(task));
    else this.#engine.succeed(this.#realOf(task));
  }

  #cancel(task: ModelTask): void {
    this.model.end(task);
    expect(this.#host.scheduler.cancel(this.#realOf(task), undefined)).toBe(true);
  }

  advance(ms: number): void {
    this.model.advance(ms);
    this.#clock.advance(ms);
  }

  check(): void {
    const { ledger } = this.#host;
    const { model, queue } = this;
    const states = ["held", "queued", "running", "delayed"] as const;
    const counts = ledger.counts.all();
    const inLanes = model.inLanes();
    const free = model.paused ? 0 : inLanes.filter((task) => !model.mayBeAside(task)).length;
    const hasNext = model.exact && model.next().length > 0;
    expect({
      tasks: this.#real.map(({ state, attempt }) => `${isFinal(state) ? "ended" : state} ${attempt}`),
      list: ledger.list().map((task) => this.#modelOf.get(task)?.index),
      unfinished: ledger.unfinished,
      counts: states.map((state) => counts[state]),
      timers: this.#clock.pending,
      // Those that may not start are in the length until they are found to be.
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
    for (const name of [undefined, ...this.model.pausedNames]) this.act({ act: "resume", name: name as undefined });
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
      const own = this.#host.story(task);
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
