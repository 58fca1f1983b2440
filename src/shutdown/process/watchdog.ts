// Holds the deadline when the main thread cannot: a small thread that ends the process if it is still there afterwards.
// Started with a shutdown (3 ms of the main thread's time), never before.
import { Worker } from "node:worker_threads";

/** What is known when the time is over, for the last line that is written. */
export interface WatchdogStatus {
  readonly state: string;
  readonly reason: string;
  readonly openRequests: number;
  readonly unfinished: number;
  /** Some of the unfinished tasks. */
  readonly tasks: readonly object[];
}

/** How late the main thread may be before the watchdog takes it for blocked, in ms. */
const slack = 100;

// Plain CommonJS in a string: no file that a bundler would have to find, and none of the loaders in `execArgv`.
//
// Only the main thread can end a process with an exit code, so its inspector is asked to: that interrupts a loop, a regular
// expression and Atomics.wait() alike (measured on Node 20 to 26; process.exit() in a thread ends the thread alone, and
// process.abort() is refused there). Native code that never returns, as execSync(), is interrupted by nothing: SIGKILL. PID 1
// of a container cannot kill itself so; there the inspector's order stands until the main thread returns. Node writes "Waiting
// for the debugger to disconnect..." when it exits like this.
const source = `"use strict";
const { parentPort } = require("node:worker_threads");
const fs = require("node:fs");
const now = () => Number(process.hrtime.bigint() / 1000n) / 1000;
let order, timer;
parentPort.on("message", (message) => {
  order = { ...message, receivedAt: now() };
  clearTimeout(timer);
  timer = setTimeout(end, Math.max(0, order.endsAt - now()));
});
function end() {
  const { exitCode, status } = order;
  const line = {
    level: "error",
    name: "offload-after-response",
    msg: "shutdown: the deadline has passed and the main thread does not answer; ending the process",
    exitCode,
    ...status,
    knownForMs: Math.round(now() - order.receivedAt),
  };
  try { fs.writeSync(2, JSON.stringify(line) + "\\n"); } catch {}
  setTimeout(() => process.kill(process.pid, "SIGKILL"), 200);
  try {
    const { Session } = require("node:inspector");
    const session = new Session();
    session.connectToMainThread();
    session.post("Runtime.evaluate", { expression: "process.reallyExit(" + exitCode + ")" });
  } catch {}
}
`;

export class Watchdog {
  private readonly worker: Worker | undefined;

  /** @param onUnavailable called when there can be no thread, as under `--permission` without `--allow-worker` */
  constructor(onUnavailable: (error: unknown) => void) {
    try {
      this.worker = new Worker(source, { eval: true, execArgv: [], env: {}, stdout: true, stderr: true });
      this.worker.unref();
      this.worker.on("error", onUnavailable);
    } catch (error) {
      onUnavailable(error);
    }
  }

  /**
   * Says when and how to end the process, and what to write then. The last word counts.
   *
   * @param deadline on the clock of `performance.now()`
   */
  tell(deadline: number, exitCode: number, status: WatchdogStatus): void {
    // Each thread has its own origin of performance.now(); hrtime is the same clock in all.
    const now = Number(process.hrtime.bigint() / 1000n) / 1000;
    const endsAt = now + deadline - performance.now() + slack;
    this.worker?.postMessage({ endsAt, exitCode, status });
  }

  /** For those who go on living after a shutdown. */
  async stop(): Promise<void> {
    await this.worker?.terminate();
  }
}
