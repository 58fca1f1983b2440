// The two calls that wait by the real clock: until nothing goes on, and for one task. In vain, they say what they have waited for.
import { AssertionError } from "node:assert";
import { describe, OffloadError } from "../../base/errors.js";
import { checkOptions, milliseconds } from "../../base/option-rules.js";
import { states, type TaskState } from "../../core/states.js";
import { matches } from "../assert/match.js";
import { list, nearestInWords, wantedInWords } from "../assert/words.js";
import type { WaitOptions } from "../contract.js";
import type { Recorded, Recorder } from "../recorder.js";
import type { Activity } from "./activity.js";

// Less than the 5 s of vitest and jest, so that the message says what the kit knows and not that a test took too long.
const settledMs = 4_000;
const waitForMs = 1_000;

/** A function at which the stack of an error begins: the next line is the test's. */
type From = (...args: never[]) => unknown;

/** Which task `waitFor` waits for. */
export interface Awaited {
  readonly name: string;
  readonly match: unknown;
  readonly state: TaskState | undefined;
}

export class Waits {
  constructor(
    private readonly activity: Activity,
    private readonly recorder: Recorder,
  ) {}

  /** Resolves when nothing goes on by itself any more. */
  async settled(options: WaitOptions, from: From): Promise<void> {
    checkOptions("settled", options, { timeout: milliseconds() });
    const { timeout = settledMs } = options;
    const { activity, recorder } = this;
    if (await activity.until(() => !activity.isBusy(), timeout)) return;
    const busy = activity.busy();
    const reports = busy.map((task) => recorder.recordOf(task));
    throw new AssertionError({
      message: `settled: after ${timeout} ms this still goes on:\n${list(reports)}${hintOf(busy.map(({ state }) => state))}`,
      expected: [],
      actual: busy.map(({ definition, state }) => ({ task: definition.name, state })),
      operator: "settled",
      stackStartFn: from,
    });
  }

  /**
   * The first task or callback that is meant, past or to come.
   *
   * @param reason called when it does not come: knows more, in words, or throws a better error
   */
  async waitFor(awaited: Awaited, options: WaitOptions, reason: () => string, from: From): Promise<Recorded> {
    checkOptions("waitFor", options, { timeout: milliseconds() });
    const { name, match, state } = awaited;
    if (state !== undefined && !states.includes(state)) {
      const expected = `waitFor: expected a state, one of ${states.join(", ")}`;
      throw new OffloadError("AR_INVALID_ARGUMENT", `${expected}, got ${describe(state)}`);
    }
    const { timeout = waitForMs } = options;
    await this.activity.first(() => this.#find(awaited), timeout);
    const record = this.#find(awaited);
    if (record !== undefined) return record;
    const wanted = { name, match, more: `to be ${state ?? "offloaded"}` };
    const records = this.#records();
    throw new AssertionError({
      message: `waitFor: waited ${timeout} ms for ${wantedInWords(wanted)}; ${nearestInWords(records, wanted)}${reason()}`,
      expected: match ?? name,
      actual: records.map((other) => other.name),
      operator: "waitFor",
      stackStartFn: from,
    });
  }

  #find({ name, match, state }: Awaited): Recorded | undefined {
    return this.#records().find((record) => {
      const isMeant = record.name === name && matches(record.payload, match);
      return isMeant && (state === undefined || record.states.has(state));
    });
  }

  #records(): Recorded[] {
    return [...this.recorder.all("task"), ...this.recorder.all("callback")];
  }
}

function hintOf(states: readonly TaskState[]): string {
  if (states.includes("held")) return "\nheld: its response is not over";
  return states.includes("running") ? "\nrunning: if it waits for its timeout, call advance(ms)" : "";
}
