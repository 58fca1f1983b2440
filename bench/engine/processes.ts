// The processes that are measured: started, asked over IPC one question at a time, and killed.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";

export type Program = "web" | "worker";

/** Starts one without waiting for it. */
export function startProcess(program: Program, settings: object): ChildProcess {
  const file = path.join(import.meta.dirname, `${program}.mjs`);
  return fork(file, [JSON.stringify(settings)], { execArgv: [] });
}

/** The value that it sends next. */
export async function answerOf<Value>(child: ChildProcess): Promise<Value> {
  const [{ value }] = await once(child, "message");
  return value;
}

export function ask<Value>(child: ChildProcess, command: string, argument?: unknown): Promise<Value> {
  const answer = answerOf<Value>(child);
  child.send({ command, argument });
  return answer;
}

export async function endProcess(child: ChildProcess): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
