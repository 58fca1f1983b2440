// An offloader under test: the calls of the kit, each in terms of the records, the assertions and what was swapped.
import { OffloadError } from "../base/errors.js";
import { checkOptions, integer } from "../base/option-rules.js";
import type { TaskState } from "../core/states.js";
import type { Inside } from "../intake/inside.js";
import { type Failure, found, throwIf, whyNotOffloaded, whyOffloaded } from "./assert/assertions.js";
import type { AssertOptions, DrainCounts, DrainOptions, PerformOptions, Refusal, WaitOptions } from "./contract.js";
import { checkText, Names } from "./names.js";
import type { OffloadedCallback, OffloadedTask } from "./offloaded.js";
import type { ResolvedTestingOptions } from "./options.js";
import { Recorder } from "./recorder.js";
import { Refusals } from "./refusals.js";
import { Activity } from "./run/activity.js";
import { drain } from "./run/drain.js";
import { Swap } from "./run/swap.js";
import { TasksHere } from "./run/tasks-here.js";
import { Waits } from "./run/waits.js";

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
  readonly #waits: Waits;
  readonly #names: Names;
  readonly #refusals = new Refusals();
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
    this.#waits = new Waits(this.#activity, this.#recorder);
    const learn = async (): Promise<void> => {
      const tasks = await this.#here.load();
      if (!this.#restored) inside.reports.learn([...tasks.keys()]);
    };
    this.#names = new Names({
      startup: inside.startup,
      recorder: this.#recorder,
      learn: options.tasks === undefined ? undefined : learn,
    });
    inside.intake.watch({
      asked: (kind) => this.#refusals.asked(kind),
      accepting: (task, operation) => this.#recorder.add(task, operation),
    });
  }

  offloaded(name?: string, match?: unknown): OffloadedTask[] {
    if (name !== undefined) this.#names.check(name);
    this.#names.checkDispatched();
    return found(this.#recorder.all("task"), name, match).map((record) => record.view());
  }

  assertOffloaded(name: string, match?: unknown, options?: AssertOptions): void {
    throwIf(this.whyNotOffloaded(name, match, options), "assertOffloaded", Kit.prototype.assertOffloaded);
  }

  assertNotOffloaded(name: string, match?: unknown): void {
    throwIf(this.whyOffloaded(name, match), "assertNotOffloaded", Kit.prototype.assertNotOffloaded);
  }

  assertNothingOffloaded(): void {
    this.#names.checkDispatched();
    const failure = whyOffloaded(this.#recorder.all("task"), undefined);
    throwIf(failure, "assertNothingOffloaded", Kit.prototype.assertNothingOffloaded);
  }

  /** For the assertions and the matchers: why it fails that such tasks were offloaded. */
  whyNotOffloaded(name: string, match: unknown, options?: AssertOptions): Failure | undefined {
    this.#names.check(name);
    this.#names.checkDispatched();
    return whyNotOffloaded(this.#recorder.all("task"), name, match, options);
  }

  /** The opposite. */
  whyOffloaded(name: string, match: unknown): Failure | undefined {
    this.#names.check(name);
    this.#names.checkDispatched();
    return whyOffloaded(this.#recorder.all("task"), name, match);
  }

  callbacks(name?: string): OffloadedCallback[] {
    if (name !== undefined) checkText("callbacks", name);
    const all = this.#recorder.all("callback");
    return all.filter((record) => name === undefined || record.name === name).map((record) => record.callbackView());
  }

  // Async, because the stack of the error begins at this function: it has to be a frame of that stack.
  async settled(options: WaitOptions = {}): Promise<void> {
    await this.#waits.settled(options, Kit.prototype.settled);
  }

  async waitFor(name: string, match?: unknown, state?: TaskState, options: WaitOptions = {}): Promise<OffloadedTask> {
    checkText("waitFor", name);
    const reason = (): string => this.#names.reasonFor(name);
    return (await this.#waits.waitFor({ name, match, state }, options, reason, Kit.prototype.waitFor)).view();
  }

  async drain(options: DrainOptions = {}): Promise<DrainCounts> {
    this.#names.checkDispatched();
    const { engine, clock } = this.#swapped("drain");
    const own = { inside: this.#inside, activity: this.#activity, here: this.#here, names: this.#names };
    const counts = await drain({ ...own, engine, clock }, options);
    this.#names.checkDispatched();
    return counts;
  }

  perform(name: string, payload?: unknown, options: PerformOptions = {}): Promise<unknown> {
    return this.#here.perform(name, payload, options);
  }

  async advance(ms: number): Promise<void> {
    await this.#swapped("advance").clock.advance(ms, () => this.#activity.react());
    await this.#activity.react();
  }

  fail(name: string, error: unknown, options: { readonly times?: number | undefined } = {}): void {
    checkOptions("fail", options, { times: integer(1) });
    this.#names.check(name);
    this.#names.checkDispatched();
    this.#swapped("fail").engine.fail(name, error, options.times ?? Number.POSITIVE_INFINITY);
  }

  refuse(code: Refusal): void {
    this.#refusals.begin(code);
  }

  async clear(): Promise<void> {
    const names = this.#recorder.all("task").map(({ name }) => name);
    try {
      this.#names.checkDispatched();
    } finally {
      this.#clear();
    }
    await this.#names.checkWhenKnown(names);
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
    this.#refusals.end();
    this.#swap?.engine.failNothing();
    this.#swap?.cancelAll(unfinished);
    if (!this.#restored) this.#swap?.begin();
    this.#recorder.clear();
  }

  #swapped(call: string): Swap {
    if (this.#swap !== undefined && !this.#restored) return this.#swap;
    const why = this.#restored
      ? "the offloader is not under test any more, because restore() was called"
      : 'in the mode "threads" the offloader runs its tasks by itself; await settled() or waitFor()';
    throw new OffloadError("AR_INVALID_ARGUMENT", `${call}: ${why}`);
  }
}
