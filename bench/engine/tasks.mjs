// The tasks of the engine's benchmark.
import { pbkdf2Sync } from "node:crypto";

export function nothing() {}

/** Takes the CPU for as long as the iterations need. */
export function work({ iterations }) {
  pbkdf2Sync("after", "response", iterations, 32, "sha256");
}
