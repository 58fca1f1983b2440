// The end of a process that Node would not end in time. When it exits, Node joins every thread and waits for the libuv pool:
// 20,000,000 rounds of pbkdf2 in a task held process.exit() for 13 s (Node 20 to 26, process.reallyExit() as well).
import { isMainThread } from "node:worker_threads";
import { noteUncaught, writeUncaught } from "./uncaught.js";

/** What may go on although it was to end. */
export interface Unended {
  unended(): number;
  /** ms until the deadline, negative after it. Default: there is none to keep. */
  readonly left?: number;
}

/**
 * How long a usual exit may take before SIGKILL, in ms: at the deadline, and long before it or without one, where a busy machine has more time:
 * with three processes for each of its processors, an exit took 500 ms.
 */
const exitTime = { atDeadline: 300, before: 1_000 };

/**
 * Ends the process, whatever its threads do: within 50 ms with `process.execve()`, else within 100 ms more than `exitMs`. It uses nothing from
 * outside of itself, because the watchdog has the main thread evaluate its text.
 *
 * `process.execve()` (Node 22.15) keeps the exit code in every case: the process becomes another program, which exits with it
 * at once: a shell in 7 ms, Node itself in 30 ms where there is no shell. A program in one file (SEA, Electron) is not `node`:
 * it would start again from the beginning.
 *
 * Without execve the process exits as usual, which keeps the exit code unless native code holds it up. Only another process
 * can end it then, because its own threads are joined or stopped by that time: a shell sends SIGKILL after `exitMs`, which a
 * supervisor sees as 137. PID 1 of a container cannot be killed from inside; process.abort() ends it, seen as 139 or 134.
 *
 * @param exitMs how long a usual exit may take
 */
export function endNow(code: number, exitMs = 300): void {
  const { execve, getBuiltinModule, execPath, pid, reallyExit } = process as NodeJS.Process & {
    execve?(file: string, args: readonly string[], env: object): never;
    getBuiltinModule?<Name extends keyof Modules>(name: Name): Modules[Name];
    reallyExit(code: number): never;
  };
  interface Modules {
    "node:fs": typeof import("node:fs");
    "node:child_process": typeof import("node:child_process");
  }
  // NODE_OPTIONS and an IPC channel are meant for this program, and not for the one that takes its place.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("NODE_")));
  if (execve !== undefined && getBuiltinModule !== undefined && process.platform !== "win32") {
    const programs: [file: string, args: string[]][] = [["/bin/sh", ["sh", "-c", `exit ${code}`]]];
    if (/\/node(js)?$/.test(execPath)) programs.push([execPath, ["node", "-e", `process.exit(${code})`]]);
    for (const [file, args] of programs) {
      try {
        // A program that is missing would abort the process.
        getBuiltinModule("node:fs").accessSync(file, 1);
        execve.call(process, file, args, env);
      } catch {
        // It is missing, or not allowed under `--permission`.
      }
    }
  }
  if (getBuiltinModule !== undefined && process.platform !== "win32" && pid !== 1) {
    // Once this process has ended, the shell has another parent. Then it kills nobody, because another process may have the pid.
    const kill = `sleep ${exitMs / 1_000}; read -r _ _ _ parent _ < /proc/$$/stat && [ "$parent" != ${pid} ] || kill -9 ${pid}`;
    try {
      const { spawn } = getBuiltinModule("node:child_process");
      const killer = spawn("/bin/sh", ["-c", kill], { env, detached: true, stdio: "ignore" });
      killer.on("error", () => {});
      if (killer.pid !== undefined) reallyExit.call(process, code);
    } catch {
      // It is not allowed under `--permission`.
    }
  }
  process.kill(pid, "SIGKILL");
  if (pid === 1) process.abort();
}

/** Whether a process that ends by force, with nothing in native code, has the exit code that it wants. */
export function keepsExitCode(): boolean {
  return process.platform !== "win32" && ("execve" in process || process.pid !== 1);
}

const endings = new Set<Unended>();

/**
 * From now on the process ends by force if it exits while this has something unended.
 *
 * @returns what undoes it
 */
export function endByForceAtExit(target: Unended): () => void {
  // A thread that is not the main one has no process to end.
  if (!isMainThread) return () => {};
  if (endings.size === 0) {
    process.on("exit", onExit);
    process.on("uncaughtExceptionMonitor", noteUncaught);
  }
  endings.add(target);
  return () => {
    if (!endings.delete(target) || endings.size > 0) return;
    process.off("exit", onExit);
    process.off("uncaughtExceptionMonitor", noteUncaught);
  };
}

function onExit(code: number): void {
  if (![...endings].some((target) => target.unended() > 0)) return;
  // Calls the listeners behind this one, because the process will not come to them.
  const listeners = process.listeners("exit");
  for (const listener of listeners.slice(listeners.lastIndexOf(onExit) + 1)) {
    try {
      listener.call(process, code);
    } catch {
      // Node would print the error, but the process has to end.
    }
  }
  writeUncaught();
  const left = Math.min(...[...endings].map((target) => target.left ?? Number.POSITIVE_INFINITY));
  const exitMs = Math.max(exitTime.atDeadline, Math.min(exitTime.before, left));
  endNow(Number(process.exitCode ?? code) || 0, exitMs);
}
