// The tasks that every contender runs. For offload-after-response this file is the tasks module as it stands.
import { pbkdf2Sync } from "node:crypto";

/** As small as a task gets: what is measured is the way there and back. */
export function tiny({ n }: { n: number; key: string }): number {
  return n + 1;
}

/** Takes bytes and looks at the last one. */
export function touch(bytes: Uint8Array): number {
  return bytes.at(-1) ?? 0;
}

/** Takes the CPU for as long as the iterations need, without a pause; see bench/harness/calibrate.ts. */
export function work({ iterations }: { key: string; iterations: number }): void {
  if (iterations > 0) pbkdf2Sync("after", "response", iterations, 32, "sha256");
}

/** Takes its thread, but no CPU, for so many ms: for questions in which the number of cores must not matter. */
export function sleep({ ms }: { ms: number }): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Takes its thread until the first element is no longer 0. */
export function block(gate: Int32Array): void {
  Atomics.wait(gate, 0, 0);
}
