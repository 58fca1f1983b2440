// A part of the engine's benchmark: it measures once a round, and then says what of its bounds was met.
import type { Bar } from "../harness/benchmark.js";
import type { Samples } from "../harness/samples.js";

export interface Part {
  /** Heading of its table. */
  readonly title: string;
  /** How it is measured, in one or two sentences. */
  readonly how: string;
  measure(round: number, samples: Samples): Promise<void>;
  bars(samples: Samples): readonly Bar[];
  end(): Promise<void>;
}

/** Makes a part. `undefined`: this machine has not what it needs, which has been said. */
export type MakePart = (folder: string) => Promise<Part | undefined>;

/** The order of the two in a round, so that neither is always the first. */
export function inTurn<Kind extends string>(round: number, first: Kind, second: Kind): readonly Kind[] {
  return round % 2 === 0 ? [first, second] : [second, first];
}
