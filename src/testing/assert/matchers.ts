// Matchers for `expect.extend()` of vitest and jest.
import { kitOf } from "../testing.js";
import { type Failure, inTimes } from "./assertions.js";

/** What a matcher answers, in the form that vitest and jest share. */
export interface MatcherAnswer {
  /** Whether it holds. */
  readonly pass: boolean;
  /** What to print if the test fails. */
  message(): string;
  /** For the difference that a runner shows. */
  readonly expected?: unknown;
  /** For the difference that a runner shows. */
  readonly actual?: unknown;
}

// A type and not an interface, because `expect.extend` asks for an index signature.
/** The matchers, for `expect.extend(matchers)`. `expect` is given what `testing()` returned, or the offloader. */
export type Matchers = {
  /** Whether a task of this name was offloaded, with a payload that matches. */
  toHaveOffloaded(received: unknown, name: string, match?: unknown): MatcherAnswer;
  /** Whether that many tasks of this name were offloaded. */
  toHaveOffloadedTimes(received: unknown, name: string, times: number): MatcherAnswer;
};

/** The matchers, for `expect.extend(matchers)`. */
export const matchers: Matchers = {
  toHaveOffloaded(received, name, match) {
    const kit = kitOf(received, "toHaveOffloaded");
    const failure = kit.whyNotOffloaded(name, match);
    return answer(failure, kit.whyOffloaded(name, match));
  },
  toHaveOffloadedTimes(received, name, times) {
    const kit = kitOf(received, "toHaveOffloadedTimes");
    const message = `expected ${name} not to be offloaded ${inTimes(times)}`;
    return answer(kit.whyNotOffloaded(name, undefined, { times }), { message, expected: undefined, actual: times });
  },
};

/** @param opposite what is wrong where the matcher is used with `.not` */
function answer(failure: Failure | undefined, opposite: Failure | undefined): MatcherAnswer {
  const shown = failure ?? opposite;
  return { pass: failure === undefined, message: () => shown?.message ?? "", ...(failure && valuesOf(failure)) };
}

function valuesOf({ expected, actual }: Failure): Pick<Failure, "expected" | "actual"> {
  return { expected, actual };
}
