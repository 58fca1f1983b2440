// Holds the deadline when the main thread is blocked: a small thread that ends the process if it still runs afterwards.
// It starts with a shutdown, because it costs 3 ms of the main thread's time.
import { Worker } from "node:worker_threads";
import { unsafe } from "../../base/printable.js";
import { now, sharedNow } from "../../base/time.js";
import { endNow, keepsExitCode } from "../process/end-by-force.js";

/** What the last lines say when the time is over. */
export interface WatchdogStatus {
  readonly state: string;
  readonly reason: string;
  readonly openRequests: number;
  readonly unfinished: number;
  /** The unfinished tasks: JSON arrays, each of a length that a log line bears. */
  readonly tasks: readonly string[];
}

/** How long after the deadline the main thread counts as blocked, in ms. */
const slack = 100;
/** How long after that the main thread may take to exit by itself, in ms. */
const latestKill = 350;

// Plain CommonJS in a string, so that no bundler has to find a file and no loader of `execArgv` is needed.
//
// Only the main thread can end a process with an exit code. The thread asks it through its inspector, which interrupts a
// loop, a regular expression and Atomics.wait() alike (measured on Node 20 to 26; process.exit() in a thread ends the thread
// alone, and process.abort() is refused there). Nothing interrupts native code that never returns, such as execSync(): then
// the thread sends SIGKILL. PID 1 of a container cannot kill itself in this way; there the inspector's order waits until the
// main thread returns. Node writes "Waiting for the debugger to disconnect..." when it exits like this.
//
// What it asks for is endNow(). As PID 1 without execve() that cannot keep the exit code, so process.reallyExit() is used
// instead where no task can hold it up: it waits for every thread, this one included.
const source = `"use strict";
const { parentPort } = require("node:worker_threads");
const fs = require("node:fs");
// The clock of sharedNow().
const now = () => process.uptime() * 1000;
// JSON leaves some of it as it is, 0x80 to 0x9f for example.
const unsafe = new RegExp(${JSON.stringify(`[${unsafe}]`)}, "gu");
const escape = (character) => "\\\\u" + character.charCodeAt(0).toString(16).padStart(4, "0");
let order, timer;
parentPort.on("message", (message) => {
  order = { ...message, receivedAt: now() };
  clearTimeout(timer);
  timer = setTimeout(end, Math.max(0, order.endsAt - now()));
});
function end() {
  const { exitCode, status } = order;
  if (status !== undefined) report(exitCode, status, now() + 200);
  setTimeout(() => process.kill(process.pid, "SIGKILL"), Math.max(200, order.endsAt + ${latestKill} - now()));
  const byForce = (${keepsExitCode})() || (status !== undefined && status.unfinished > 0);
  const expression = byForce ? "(" + ${JSON.stringify(String(endNow))} + ")(" + exitCode + ")" : "process.reallyExit(" + exitCode + ")";
  try {
    const { Session } = require("node:inspector");
    const session = new Session();
    session.connectToMainThread();
    session.post("Runtime.evaluate", { expression });
  } catch {}
}
function report(exitCode, { tasks, ...status }, latest) {
  const msg = "shutdown: the deadline has passed and the main thread does not answer; ending the process";
  const knownForMs = Math.round(now() - order.receivedAt);
  const chunks = tasks.length === 0 ? ["[]"] : tasks;
  for (const [index, chunk] of chunks.entries()) {
    const fields = { level: "error", name: "offload-after-response", msg, exitCode, ...status, knownForMs };
    if (chunks.length > 1) fields.part = index + 1 + " of " + chunks.length;
    const line = JSON.stringify(fields).slice(0, -1) + ',"tasks":' + chunk + "}";
    write(line.replace(unsafe, escape) + "\\n", latest);
  }
}
function write(text, latest) {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let rest = Buffer.from(text); rest.length > 0; ) {
    try {
      rest = rest.subarray(fs.writeSync(2, rest));
    } catch (error) {
      if (error.code !== "EAGAIN" || now() > latest) return;
      Atomics.wait(pause, 0, 0, 2);
    }
  }
}
`;

export class Watchdog {
  private readonly worker: Worker | undefined;

  /** @param onUnavailable called when no thread can start, as under `--permission` without `--allow-worker` */
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
   * Sets when and how to end the process, and what to write then. The last call counts.
   *
   * @param deadline on the clock of `now()`
   * @param status undefined: nothing is written, because everything has been written
   */
  arm(deadline: number, exitCode: number, status: WatchdogStatus | undefined): void {
    // `now()` begins at zero in each thread.
    const endsAt = deadline - now() + sharedNow() + slack;
    this.worker?.postMessage({ endsAt, exitCode, status });
  }

  /** For a process that lives on after its shutdown. */
  async stop(): Promise<void> {
    await this.worker?.terminate();
  }
}
