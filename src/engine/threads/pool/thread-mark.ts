// Marks the threads that this library starts. An offloader that is made in one of them, because the tasks module imports the file
// that makes it, must start nothing: each thread would start threads of its own, without end (measured: 61 after 5 s).
import { getEnvironmentData, isMainThread, setEnvironmentData } from "node:worker_threads";
import { OffloadError } from "../../../base/errors.js";

// The environment data of a worker is there before a preload of `--import` runs, and no child process inherits it. The key is
// text, so that two copies of the library share it.
const mark = "offload-after-response.thread";

/** Marks the threads that `start` starts. */
export function markThreads<Result>(start: () => Result): Result {
  setEnvironmentData(mark, true);
  try {
    return start();
  } finally {
    setEnvironmentData(mark, undefined);
  }
}

/** Whether this code runs in a thread that an offloader has started, or in a thread that such a thread has started. */
export function isInOwnThread(): boolean {
  return !isMainThread && getEnvironmentData(mark) === true;
}

/** What every call of an offloader throws that was made in one of its own threads. */
export function inThreadError(offloader: string): OffloadError {
  return new OffloadError(
    "AR_IN_THREAD",
    `the offloader ${JSON.stringify(offloader)} was made in one of its own threads, because the tasks module (or an --import ` +
      "preload) imports the file that makes it. It has started nothing here. In a task, call task.offload(name, payload), " +
      "and move what the tasks module needs from that file to a file of its own.",
  );
}
