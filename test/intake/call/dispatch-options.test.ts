// The options of one call: their rules, and which of the three levels wins.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { integer, type Rules } from "../../../src/base/option-rules.js";
import type { FollowUpOptions } from "../../../src/core/follow-up.js";
import type { Dispatch } from "../../../src/core/task.js";
import {
  type DispatchOptions,
  defaultPolicy,
  lastingOptions,
  mergePolicy,
  type PolicyOptions,
  resolveDispatch,
} from "../../../src/intake/call/dispatch-options.js";
import { refusal } from "../../options/refusal.js";

const where = "options of sendMail";
const ms = "a number of milliseconds from 0 to 2147483647";

function resolve(options: unknown, policy = defaultPolicy): ReturnType<typeof resolveDispatch> {
  return resolveDispatch(where, policy, options as DispatchOptions);
}

describe("a dispatch refuses", () => {
  it.each<[unknown, string | RegExp]>([
    [null, "expected options to be an object, got null"],
    ["high", 'expected options to be an object, got "high"'],
    [[], "expected options to be an object, got an array"],
    [{ prority: "high" }, "unknown option prority (did you mean priority?)"],
    [{ concurrency: 2 }, /^unknown option concurrency \(known options: priority, .*\)$/],
    [{ priority: 1 }, 'expected priority to be one of "high", "normal", "low", got 1'],
    [{ timeout: Infinity }, `expected timeout to be ${ms}, got Infinity`],
    [{ timeout: "5s" }, `expected timeout to be ${ms}, got "5s"`],
    [{ attempts: 0 }, "expected attempts to be a positive integer, got 0"],
    [{ attempts: Infinity }, "expected attempts to be a positive integer, got Infinity"],
    [{ backoff: { type: "constant", delay: Number.NaN } }, `expected backoff.delay to be ${ms}, got NaN`],
    [{ backoff: -1 }, /^expected backoff to be a number of milliseconds, .* got -1$/],
    [{ backoff: new Date(0) }, /^expected backoff to be a number of milliseconds, .* got an instance of Date$/],
    [{ runIf: true }, 'expected runIf to be "always", "sent", "ok" or a function, got true'],
    [
      { transfer: new ArrayBuffer(1) },
      "expected transfer to be an array of ArrayBuffers, got an instance of ArrayBuffer",
    ],
    [{ key: "" }, 'expected key to be a non-empty string of at most 1000 characters, got ""'],
    [{ key: 7 }, "expected key to be a non-empty string of at most 1000 characters, got 7"],
    [
      { key: "k".repeat(1_000_000) },
      `expected key to be a non-empty string of at most 1000 characters, got "${"k".repeat(57)}..."`,
    ],
    [{ onDuplicate: "queue" }, 'expected onDuplicate to be one of "skip", "replace", got "queue"'],
    [{ signal: {} }, "expected signal to be an AbortSignal, got an object"],
    [{ signal: new AbortController() }, "expected signal to be an AbortSignal, got an instance of AbortController"],
  ])("%j", (options, message) => {
    const words = refusal(() => resolve(options));
    const rest = words.slice(`${where}: `.length);
    expect(words.startsWith(`${where}: `)).toBe(true);
    if (typeof message === "string") expect(rest).toBe(message);
    else expect(rest).toMatch(message);
  });
});

describe("a dispatch", () => {
  it("without options is the policy itself, and costs nothing", () => {
    expect(resolve(undefined)).toBe(defaultPolicy);
  });

  it("keeps key and onDuplicate, and not what is of no use after the call", () => {
    const options = { key: "k", onDuplicate: "replace", transfer: [], signal: new AbortController().signal };
    expect(resolve(options)).toEqual({ ...defaultPolicy, key: "k", onDuplicate: "replace" });
  });

  it("takes the backoff of one level whole, and mixes no two", () => {
    const policy = mergePolicy(defaultPolicy, { backoff: { type: "exponential", delay: 5, maxDelay: 10 } });
    expect(resolve({ backoff: { type: "constant", delay: 7 } }, policy).backoff).toEqual({
      type: "constant",
      delay: 7,
    });
  });

  it("takes each option from the call, else the policy, else the defaults", () => {
    fc.assert(
      fc.property(policyOptions, policyOptions, policyOptions, (defaults, policy, call) => {
        const { concurrency: _, ...options } = call;
        const merged = mergePolicy(mergePolicy(defaultPolicy, defaults), policy);
        const dispatch = resolve(options, merged);
        for (const name of Object.keys(defaultPolicy) as (keyof typeof defaultPolicy)[]) {
          const levels = [
            name === "concurrency" ? undefined : call[name],
            policy[name],
            defaults[name],
            defaultPolicy[name],
          ];
          expect(dispatch[name]).toBe(levels.find((level) => level !== undefined));
        }
        expect(Object.keys(dispatch).sort()).toEqual(Object.keys(defaultPolicy).sort());
      }),
    );
  });

  it("changes neither the policy nor the options", () => {
    const options = Object.freeze({ attempts: 4 });
    const policy = Object.freeze({ ...defaultPolicy, timeout: 10 });
    expect(resolve(options, policy)).toMatchObject({ attempts: 4, timeout: 10 });
    expect(policy.attempts).toBe(1);
  });
});

describe("an option that is added later", () => {
  it("does not compile without a rule", () => {
    // @ts-expect-error
    const withoutRule: Rules<{ readonly region?: string; readonly attempts?: number }> = { attempts: integer(1) };
    expect(Object.keys(withoutRule)).toEqual(["attempts"]);
  });

  it("can be set for what a task offloads, too, unless it is a function or waits for a response", () => {
    const every: Required<Omit<Dispatch, "runIf" | "concurrency">> = {
      ...defaultPolicy,
      key: "k",
      onDuplicate: "skip",
    };
    const followUp: Required<FollowUpOptions> = { ...every, backoff: 1 };
    expect(Object.keys(followUp)).toContain("key");
  });
});

describe("the options that outlive the process", () => {
  it("are all but those that need the response, the caller or memory of this process", () => {
    const every: Required<DispatchOptions> = {
      priority: "high",
      timeout: 5,
      attempts: 3,
      backoff: { type: "constant", delay: 7, jitter: undefined },
      runIf: "ok",
      transfer: [new ArrayBuffer(1)],
      key: "k",
      onDuplicate: "replace",
      signal: new AbortController().signal,
      transaction: { query: async () => {} },
    };
    expect(lastingOptions(every)).toStrictEqual({
      priority: "high",
      timeout: 5,
      attempts: 3,
      backoff: { type: "constant", delay: 7 },
      key: "k",
      onDuplicate: "replace",
    });
  });

  it("include one that is added later, without being told of it", () => {
    const later = { attempts: 2, region: "eu", nested: { list: [1, { deep: true }] } };
    expect(lastingOptions(later as DispatchOptions)).toStrictEqual(later);
  });

  it("have no functions and nothing undefined, so that JSON holds them", () => {
    const options: DispatchOptions = { attempts: 2, backoff: (attempt) => attempt, key: undefined };
    expect(lastingOptions(options)).toStrictEqual({ attempts: 2 });
  });

  it("are undefined when there is nothing to keep", () => {
    expect(lastingOptions(undefined)).toBeUndefined();
    expect(lastingOptions({})).toBeUndefined();
    expect(lastingOptions({ runIf: () => true, transfer: [] })).toBeUndefined();
  });

  it("are a copy", () => {
    const backoff = { type: "constant" as const, delay: 1 };
    const lasting = lastingOptions({ backoff });
    backoff.delay = 2;
    expect(lasting).toStrictEqual({ backoff: { type: "constant", delay: 1 } });
  });
});

/** Each option said or not, and sometimes said to be undefined. */
const policyOptions: fc.Arbitrary<PolicyOptions> = fc.record(
  {
    priority: fc.constantFrom("high", "normal", "low", undefined),
    timeout: fc.constantFrom(0, 1, 500, undefined),
    attempts: fc.constantFrom(1, 3, undefined),
    backoff: fc.constantFrom(0, 250, undefined),
    runIf: fc.constantFrom("always", "sent", "ok", undefined),
    concurrency: fc.constantFrom(1, 2, undefined),
  },
  { requiredKeys: [] },
);
