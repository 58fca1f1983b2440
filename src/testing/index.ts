// The public names of the testing kit, and nothing else.

export { type MatcherAnswer, type Matchers, matchers } from "./assert/matchers.js";
export type {
  AssertOptions,
  DrainCounts,
  DrainOptions,
  Match,
  Matcher,
  OffloadedCallback,
  OffloadedTask,
  PartialDeep,
  PerformOptions,
  Refusal,
  Testing,
} from "./contract.js";
export type { Mode, TestingOptions } from "./options.js";
export { testing } from "./testing.js";
