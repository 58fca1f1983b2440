// The last log line of a process that exits without a shutdown, while accepted tasks are unfinished: which ones are lost.
import type { DrainTarget } from "../steps/target.js";

const targets = new Set<DrainTarget>();
// A longer list helps nobody, and the line has the exact count.
const most = 50;

/** Reports by id what the target leaves unfinished when the process exits. All targets share one listener. */
export function reportAtExit(target: DrainTarget): void {
  if (targets.size === 0) process.on("exit", report);
  targets.add(target);
}

/** For a target that has shut down, so that nothing of it can be unfinished. */
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
