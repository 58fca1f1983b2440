// The last log lines of a process that exits while accepted tasks are unfinished: which ones are lost, and what ended it.
import { synchronously } from "../../base/stderr.js";
import { isClosing } from "../steps/close.js";
import type { DrainTarget } from "../steps/target.js";
import { inChunks } from "../steps/words.js";
import { currentShutdown } from "./registry.js";

const targets = new Set<DrainTarget>();

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

function report(code: number): void {
  const unfinished = [...targets].filter((target) => target.unfinishedCount() > 0);
  // Nothing of it can be written later.
  synchronously(() => {
    for (const target of targets) target.flushLog?.();
    if (unfinished.length === 0) return;
    const caller = callerOfExit();
    for (const target of unfinished) reportOf(target, code, caller);
  });
}

function reportOf(target: DrainTarget, code: number, caller: Error | undefined): void {
  const unfinished = target.unfinishedCount();
  const fields = { offloader: target.name, unfinished, exitCode: code };
  target.logger.error(
    { ...fields, ...(caller && { err: caller }) },
    `the process exits with accepted tasks unfinished; ${explanation(target, caller !== undefined)}`,
  );
  for (const { tasks, range } of inChunks(target.unfinished())) {
    target.logger.error(
      { offloader: target.name, tasks },
      `the process exits with accepted tasks unfinished: ${range}`,
    );
  }
}

/** What was done to the shutdown, and what would have been right. */
function explanation(target: DrainTarget, called: boolean): string {
  const what = called ? "process.exit() was called" : "it ended";
  const shutdown = currentShutdown();
  if (shutdown !== undefined && !shutdown.includes(target) && !isClosing(target)) {
    return (
      `${what}, and this offloader takes no part in the shutdown; call its shutdownOnSignals() too, or, if a framework ` +
      "evaluates the module that makes it several times, give it a name"
    );
  }
  if (shutdown !== undefined && shutdown.state !== "serving") {
    return `${what} in the middle of its shutdown (${shutdown.state}), by something else than the library`;
  }
  if (isClosing(target)) return `${what} in the middle of close(), by something else than the library`;
  if (shutdown !== undefined) return `${what} without a signal to shut down; shutdown.close() would have drained them`;
  return `${called ? `${what}; ` : ""}shutdownOnSignals() or close() would have drained them`;
}

/**
 * An error whose stack begins where process.exit() was called; undefined if the process ends for another reason, such as an
 * uncaught exception. `exit` listeners run within that call, so nothing has to be replaced in order to know it.
 */
function callerOfExit(): Error | undefined {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 50;
  const error = new Error("process.exit() was called here");
  Error.stackTraceLimit = stackTraceLimit;
  const [head = "", ...frames] = error.stack?.split("\n") ?? [];
  const call = frames.findLastIndex((frame) => /\bprocess\.exit \(node:/.test(frame));
  if (call < 0) return undefined;
  error.stack = [head, ...frames.slice(call + 1)].join("\n");
  return error;
}
