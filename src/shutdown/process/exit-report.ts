// The last word of a process that exits with work accepted and unfinished, without a shutdown having seen to it.
import type { DrainTarget } from "../steps/target.js";

const targets = new Set<DrainTarget>();
// A long list helps nobody; the count is exact.
const most = 50;

/** Reports by id what the target leaves unfinished when the process exits; one listener for all targets. */
export function reportAtExit(target: DrainTarget): void {
  if (targets.size === 0) process.on("exit", report);
  targets.add(target);
}

/** The target has shut down: nothing of it can be unfinished any more. */
export function forgetAtExit(target: DrainTarget): void {
  targets.delete(target);
  if (targets.size === 0) process.off("exit", report);
}

function report(): void {
  for (const target of targets) {
    const unfinished = target.unfinishedCount();
    if (unfinished === 0) continue;
    const tasks = target.unfinished(most);
    target.logger.error(
      { offloader: target.name, unfinished, tasks },
      "the process exits with accepted tasks unfinished; shutdownOnSignals() or close() would have drained them",
    );
  }
}
