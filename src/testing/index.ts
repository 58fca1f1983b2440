// The public names of the testing kit, and nothing else.
/** @module offload-after-response/testing */

export type { Operation } from "../intake/intake.js";
export { type MatcherAnswer, type Matchers, matchers } from "./assert/matchers.js";
export type {
  AssertOptions,
  DrainCounts,
  DrainOptions,
  PerformOptions,
  Refusal,
  Testing,
  WaitOptions,
} from "./contract.js";
export type { Match, Matcher, OffloadedCallback, OffloadedTask, PartialDeep } from "./offloaded.js";
export type { Mode, TestingOptions } from "./options.js";
export { testing } from "./testing.js";
