// Starts a measured program in a process of its own and asks it for things; bench/programs/ holds the programs.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { compiled } from "./compile.js";

export interface ProgramOptions {
  readonly args?: readonly string[];
  readonly execArgv?: readonly string[];
  /** The binary of Node.js. Default: this one. */
  readonly node?: string | undefined;
  /** Default false: it runs in the session of this process. */
  readonly ownSession?: boolean;
}

/**
 * For a program that waits while its rivals are measured. V8 takes such a pause for idleness: it collects garbage to give memory
 * back, drops optimised code with it, and makes it anew for some thousand requests, which a service under a steady load never sees.
 */
export const execArgvInTurns: readonly string[] = ["--no-memory-reducer"];

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

export class Program {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  readonly #ended: Promise<number | null>;
  #id = 0;

  /** @param name the file in bench/programs/, without its extension */
  constructor(
    readonly name: string,
    { args = [], execArgv = [], node = process.execPath, ownSession = false }: ProgramOptions = {},
  ) {
    this.#child = fork(path.join(compiled, "programs", `${name}.js`), args, {
      execArgv: [...execArgv],
      execPath: node,
      detached: ownSession,
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#child.on("message", (answer: Answer) => this.#answered(answer));
    this.#ended = once(this.#child, "exit").then(([code]) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`bench/programs/${name} ended with ${code}`));
      this.#waiting.clear();
      return code;
    });
  }

  /** Has the program do something; resolves to what it answers. The caller knows its type. */
  ask<Value>(command: string, argument?: unknown): Promise<Value> {
    const id = this.#id++;
    return new Promise<Value>((resolve, reject) => {
      this.#waiting.set(id, { resolve: (value) => resolve(value as Value), reject });
      this.#child.send({ id, command, argument });
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** The signal that ended it; null while it runs, and if no signal did. */
  get endedBy(): NodeJS.Signals | null {
    return this.#child.signalCode;
  }

  /** Its exit code. */
  get ended(): Promise<number | null> {
    return this.#ended;
  }

  /** Ends it whatever it does. */
  async end(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  #answered({ id, value, error }: Answer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(new Error(`bench/programs/${this.name}: ${error}`));
  }
}
