// The matchers for jest, and their types: for `expect` of @jest/globals, and for the global one of @types/jest.
/** @module offload-after-response/testing/jest */

// Types alone: without an import the compiler does not look for the module that is added to. @jest/globals has its matchers from it.
import type {} from "expect";
import { type Matchers as BothMatchers, matchers as both } from "./assert/matchers.js";

/** The matchers, for `expect.extend(matchers)`. */
export const matchers: BothMatchers = both;

declare module "expect" {
  interface Matchers<R extends void | Promise<void>, T = unknown> {
    /** Whether a task of this name was offloaded, with a payload that matches. */
    toHaveOffloaded(name: string, match?: unknown): R;
    /** Whether that many tasks of this name were offloaded. */
    toHaveOffloadedTimes(name: string, times: number): R;
  }
}

declare global {
  namespace jest {
    // biome-ignore lint/complexity/noBannedTypes: the type parameters have to be those of @types/jest
    interface Matchers<R, T = {}> {
      /** Whether a task of this name was offloaded, with a payload that matches. */
      toHaveOffloaded(name: string, match?: unknown): R;
      /** Whether that many tasks of this name were offloaded. */
      toHaveOffloadedTimes(name: string, times: number): R;
    }
  }
}
