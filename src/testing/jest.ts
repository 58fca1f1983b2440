// The matchers for jest, and their types for the global `expect` of @types/jest.
import { matchers as both, type Matchers } from "./assert/matchers.js";

/** The matchers, for `expect.extend(matchers)`. */
export const matchers: Matchers = both;

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
