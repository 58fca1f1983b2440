// The matchers for vitest, and their types.
/** @module offload-after-response/testing/vitest */

// Types alone: without an import the compiler does not look for the module that is added to.
import type {} from "vitest";
import { matchers as both, type Matchers } from "./assert/matchers.js";

/** The matchers, for `expect.extend(matchers)`. */
export const matchers: Matchers = both;

declare module "vitest" {
  // biome-ignore lint/suspicious/noExplicitAny: the type parameter has to be that of vitest
  interface Matchers<T = any> {
    /** Whether a task of this name was offloaded, with a payload that matches. */
    toHaveOffloaded(name: string, match?: unknown): void;
    /** Whether that many tasks of this name were offloaded. */
    toHaveOffloadedTimes(name: string, times: number): void;
  }
}
