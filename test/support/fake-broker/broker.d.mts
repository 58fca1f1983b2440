import type { EngineTask } from "../../../src/engine/remote/remote-engine.js";

export class FakeBroker {
  static start(): Promise<FakeBroker>;
  refusal: string | undefined;
  readonly refused: Set<string>;
  rudely: boolean;
  slowness: number;
  readonly silent: Set<string>;
  readonly submissions: readonly (readonly string[])[];
  readonly delivered: ReadonlyMap<string, number>;
  readonly settled: readonly {
    readonly id: string;
    readonly as: string;
    readonly delayMs?: number;
    readonly reason?: string;
    readonly error?: string;
  }[];
  readonly byes: readonly number[];
  readonly port: number;
  up(): Promise<void>;
  down(): Promise<void>;
  freeze(): void;
  thaw(): void;
  loseLock(queue: string, id: string): void;
  stateOf(queue: string, id: string): "waiting" | "delayed" | "running" | "failed" | undefined;
  tasks(queue: string): EngineTask[];
  credits(queue: string): number;
  /** The most that this has been so far. */
  mostCredits(queue: string): number;
}
