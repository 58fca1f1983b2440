// An offloader under test: the calls of the kit, each in terms of the records, the assertions and what was swapped.
import { AssertionError } from "node:assert";
import { describe, OffloadError } from "../base/errors.js";
import { checkOptions, integer, milliseconds, signal } from "../base/option-rules.js";
import { inTime } from "../base/time.js";
import { states, type TaskState } from "../core/states.js";
import type { Inside } from "../intake/inside.js";
import { type Failure, fail, found, whyNotOffloaded, whyOffloaded } from "./assert/assertions.js";
import { matches } from "./assert/match.js";
import { list, nearestInWords, wantedInWords } from "./assert/words.js";
import type {
  AssertOptions,
  DrainCounts,
  DrainOptions,
  OffloadedCallback,
  OffloadedTask,
  PerformOptions,
  Refusal,
} from "./contract.js";
import type { ResolvedTestingOptions } from "./options.js";
import { Recorded, Recorder } from "./recorder.js";
import { Activity } from "./run/activity.js";
import { checkDrainOptions, drain } from "./run/drain.js";
import { Swap } from "./run/swap.js";
import { TasksHere } from "./run/tasks-here.js";

// Less than the 5 s of vitest and jest, so that the message says what the kit knows and not that a test took too long.
const settledMs = 4_000;
const waitForMs = 1_000;
/** How long a thread may take to say which tasks there are. */
const namesMs = 4_000;

const refusals: readonly Refusal[] = [
  "AR_QUEUE_FULL",
  "AR_SHUTTING_DOWN",
  "AR_TASKS_NOT_LOADABLE",
  "AR_JOURNAL_FULL",
  "AR_JOURNAL_UNAVAILABLE",
];
/** Those that callbacks meet too. */
const refusalsOfCallbacks: ReadonlySet<Refusal> = new Set(["AR_QUEUE_FULL", "AR_SHUTTING_DOWN"]);

export interface KitParts {
  readonly inside: Inside;
  readonly options: ResolvedTestingOptions;
  /** Called when the offloader is not under test any more. */
  readonly onRestored: () => void;
  /** Restores and closes everything under test. */
  readonly closeAll: () => Promise<void>;
}

export class Kit {
  readonly #parts: KitParts;
  readonly #inside: Inside;
  readonly #recorder: Recorder;
  readonly #here: TasksHere;
  /** Undefined in the mode "threads", unless some names are kept. */
  readonly #swap: Swap | undefined;
  readonly #activity: Activity;
  #refusal: Refusal | undefined;
  #restored = false;

  constructor(parts: KitParts) {
    const { inside, options } = parts;
    this.#parts = parts;
    this.#inside = inside;
    this.#here = new TasksHere(inside, options);
    const swaps = options.mode !== "threads" || options.fake !== undefined;
    this.#swap = swaps ? new Swap(inside, options, this.#here) : undefined;
    this.#recorder = new Recorder(inside.events);
    this.#activity = new Activity({
      inside,
      recorder: this.#recorder,
      isKept: (task) => this.#swap?.engine.kept.has(task) ?? false,
      clockStands: this.#swap !== undefined,
    });
    inside.intake.watch({
      asked: (kind) => this.#asked(kind),
      accepting: (task, operation) => this.#recorder.add(task, operation),
    });
  }

  offloaded(name?: string, match?: unknown): OffloadedTask[] {
    this.#check(name);
    return found(this.#recorder.all("task"), name, match).map((record) => record.view());
  }

  assertOffloaded(name: string, match?: unknown, options?: AssertOptions): void {
    const failure = this.whyNotOffloaded(name, match, options);
    if (failure !== undefined) fail(failure, "assertOffloaded", this.assertOffloaded);
  }

  assertNotOffloaded(name: string, match?: unknown): void {
    const failure = this.whyOffloaded(name, match);
    if (failure !== undefined) fail(failure, "assertNotOffloaded", this.assertNotOffloaded);
  }

  assertNothingOffloaded(): void {
    this.#check(undefined);
    const failure = whyOffloaded(this.#recorder.all("task"), undefined);
    if (failure !== undefined) fail(failure, "assertNothingOffloaded", this.assertNothingOffloaded);
  }

  /** For the assertions and the matchers: why it fails that such tasks were offloaded. */
  whyNotOffloaded(name: string, match: unknown, options?: AssertOptions): Failure | undefined {
    this.#check(name);
    return whyNotOffloaded(this.#recorder.all("task"), name, match, options);
  }

  /** The opposite. */
  whyOffloaded(name: string, match: unknown): Failure | undefined {
    this.#check(name);
    return whyOffloaded(this.#recorder.all("task"), name, match);
  }

  callbacks(name?: string): OffloadedCallback[] {
    const all = this.#recorder.all("callback");
    return all.filter((record) => name === undefined || record.name === name).map((record) => record.callbackView());
  }

  async settled(options: { readonly timeout?: number | undefined } = {}): Promise<void> {
    checkOptions("settled", options, { timeout: milliseconds() });
    const { timeout = settledMs } = options;
    if (await this.#activity.until(() => !this.#activity.isBusy(), timeout)) return;
    const busy = this.#activity.busy();
    const reports = busy.map(
      (task) => new Recorded(task, task.definition.kind === "task" ? "offload" : "runAfterResponse"),
    );
    throw new AssertionError({
      message: `settled: after ${timeout} ms this still goes on:\n${list(reports)}${hintOf(busy.map(({ state }) => state))}`,
      expected: [],
      actual: busy.map(({ definition, state }) => ({ task: definition.name, state })),
      operator: "settled",
      stackStartFn: this.settled,
    });
  }

  async drain(options: DrainOptions = {}): Promise<DrainCounts> {
    checkDrainOptions(options);
    this.#check(undefined);
    const { engine, clock } = this.#swapped("drain");
    const { scheduler, events } = this.#inside;
    // Before anything is started, so that a module that cannot be loaded fails the drain and not its tasks.
    if (engine.kept.size > 0) await this.#here.load();
    const holds = (name: string): boolean => scheduler.pauses.holds(name);
    const counts = await drain({ engine, clock, events, holds, activity: this.#activity }, options);
    this.#check(undefined);
    return counts;
  }

  async perform(name: string, payload?: unknown, options: PerformOptions = {}): Promise<unknown> {
    checkOptions("perform", options, { attempt: integer(1), context: { expected: "", holds: () => true }, signal });
    return this.#here.perform(name, payload, options);
  }

  async waitFor(
    name: string,
    match?: unknown,
    state?: TaskState,
    options: { readonly timeout?: number | undefined } = {},
  ): Promise<OffloadedTask> {
    checkOptions("waitFor", options, { timeout: milliseconds() });
    if (state !== undefined && !states.includes(state)) {
      throw invalid(`waitFor: expected a state, one of ${states.join(", ")}, got ${describe(state)}`);
    }
    const { timeout = waitForMs } = options;
    const find = (): Recorded | undefined => {
      return [...this.#recorder.all("task"), ...this.#recorder.all("callback")].find((record) => {
        return (
          record.name === name && matches(record.payload, match) && (state === undefined || record.states.has(state))
        );
      });
    };
    await this.#activity.first(find, timeout);
    const record = find();
    if (record !== undefined) return record.view();
    this.#check(undefined);
    const wanted = { name, match, more: `to be ${state ?? "offloaded"}` };
    const records = [...this.#recorder.all("task"), ...this.#recorder.all("callback")];
    throw new AssertionError({
      message: `waitFor: waited ${timeout} ms for ${wantedInWords(wanted)}; ${nearestInWords(records, wanted)}`,
      expected: match ?? name,
      actual: records.map((other) => other.name),
      operator: "waitFor",
      stackStartFn: this.waitFor,
    });
  }

  async advance(ms: number): Promise<void> {
    if (typeof ms !== "number" || !(ms >= 0)) {
      throw invalid(`advance: expected a number of milliseconds of 0 or more, got ${describe(ms)}`);
    }
    await this.#swapped("advance").clock.advance(ms, () => this.#activity.react());
    await this.#activity.react();
  }

  fail(name: string, error: unknown, options: { readonly times?: number | undefined } = {}): void {
    checkOptions("fail", options, { times: integer(1) });
    this.#check(name);
    this.#swapped("fail").engine.fail(name, error, options.times ?? Number.POSITIVE_INFINITY);
  }

  refuse(code: Refusal): void {
    if (!refusals.includes(code)) {
      throw invalid(`refuse: expected one of ${refusals.join(", ")}, got ${describe(code)}`);
    }
    this.#refusal = code;
  }

  async clear(): Promise<void> {
    const tasks = this.#recorder.all("task");
    this.#clear();
    const misspelled = tasks.find(isMisspelled);
    if (misspelled !== undefined) throw misspelled.error;
    const { readiness } = this.#inside;
    if (tasks.length === 0 || readiness.names !== undefined || readiness.refusal !== undefined) return;
    if (this.#parts.options.tasks !== undefined) this.#inside.reports.learn([...(await this.#here.load()).keys()]);
    else await inTime(namesOf(readiness), namesMs);
    for (const { name } of tasks) {
      const error = readiness.errorOfName(name);
      if (error !== undefined) throw error;
    }
  }

  restore(): void {
    this.end(false);
  }

  /** @param forGood the offloader is closed right after it */
  end(forGood: boolean): void {
    if (this.#restored) return;
    this.#restored = true;
    this.#clear();
    this.#recorder.stop();
    this.#inside.intake.watch(undefined);
    this.#swap?.undo(forGood);
    this.#parts.onRestored();
  }

  closeAll(): Promise<void> {
    return this.#parts.closeAll();
  }

  [Symbol.dispose](): void {
    this.restore();
  }

  #clear(): void {
    const unfinished = [...this.#recorder.all("task"), ...this.#recorder.all("callback")].map(({ task }) => task);
    this.#refusal = undefined;
    this.#swap?.engine.failNothing();
    this.#swap?.cancelAll(unfinished);
    if (!this.#restored) this.#swap?.begin();
    this.#recorder.clear();
  }

  #asked(kind: "task" | "callback"): void {
    const code = this.#refusal;
    if (code === undefined || (kind === "callback" && !refusalsOfCallbacks.has(code))) return;
    throw new OffloadError(code, "refused by the test: refuse() of the testing kit");
  }

  #swapped(call: string): Swap {
    if (this.#restored)
      throw invalid(`${call}: the offloader is not under test any more, because restore() was called`);
    if (this.#swap !== undefined) return this.#swap;
    throw invalid(
      `${call}: in the mode "threads" the offloader runs its tasks by itself; await settled() or waitFor()`,
    );
  }

  /** A name that no task has is an error: the test's own, or one that was dispatched before the names were known. */
  #check(name: string | undefined): void {
    if (name !== undefined && typeof name !== "string") {
      throw invalid(`expected the name of a task, a string, got ${describe(name)}`);
    }
    const misspelled = name === undefined ? undefined : this.#inside.readiness.errorOfName(name);
    if (misspelled !== undefined) throw misspelled;
    const dispatched = this.#recorder.all("task").find(isMisspelled);
    if (dispatched !== undefined) throw dispatched.error;
  }
}

/** Resolves when a thread has loaded the module, or cannot. */
async function namesOf(readiness: Inside["readiness"]): Promise<void> {
  await readiness.promise.catch(() => {});
}

function isMisspelled({ error }: Recorded): boolean {
  return error instanceof OffloadError && error.code === "AR_UNKNOWN_TASK";
}

function hintOf(states: readonly TaskState[]): string {
  if (states.includes("held")) return "\nheld: its response is not over";
  return states.includes("running") ? "\nrunning: if it waits for its timeout, call advance(ms)" : "";
}

function invalid(message: string): OffloadError {
  return new OffloadError("AR_INVALID_ARGUMENT", message);
}
