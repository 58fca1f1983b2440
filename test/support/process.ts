// Starts a program as a child process and follows it: its lines, its signals, its end. What a test leaves running is
// killed after its file, and has ended before the directories of ./directory.ts are removed.
import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import { afterAll } from "vitest";
import "./directory.js";

const root = path.join(import.meta.dirname, "../..");

/** What it takes this Node.js to run TypeScript. */
export const typescript: readonly string[] = ["--import", new URL("typescript.mjs", import.meta.url).href];

/** How a process ended, and all that it wrote. */
export interface Exit {
  /** The exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** From the start to the end, in ms. */
  readonly durationMs: number;
}

export interface ProgramOptions {
  readonly args?: readonly string[];
  /** Added to the environment of the test; undefined takes a name out of it. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Node options. Default: `typescript`. */
  readonly execArgv?: readonly string[];
  /** An IPC channel, for `send()`. */
  readonly ipc?: boolean;
  readonly cwd?: string;
  /** Words before `node ...`, such as `["unshare", "--pid", "--fork"]`. */
  readonly wrapper?: readonly string[];
  /** The line to wait for; its first group is the program's port. Default: `listening <port>`. */
  readonly ready?: RegExp;
}

export interface Program {
  readonly pid: number;
  readonly child: ChildProcess;
  /** The first group of the ready line as a number; NaN if there was none. */
  readonly port: number;
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** Resolves when the process has ended and its output is complete. */
  readonly exited: Promise<Exit>;
  /** What it has written until now, both streams in the order of arrival. */
  readonly output: string;
  kill(signal: NodeJS.Signals): void;
  send(message: string | object): void;
  /**
   * The first match in the output, past or to come; with `g` flag or without, the search begins at the start.
   * Rejects, with the output, when the process ends without it.
   */
  waitFor(pattern: RegExp): Promise<RegExpMatchArray>;
}

const running = new Set<FollowedProgram>();

afterAll(async () => {
  const programs = [...running];
  for (const program of programs) program.kill("SIGKILL");
  await Promise.all(programs.map((program) => program.exited));
});

/**
 * Starts a TypeScript or JavaScript program with this Node.js and resolves once it has written its ready line.
 *
 * @param file from the root of the project on, or absolute
 */
export async function startProgram(file: string, options: ProgramOptions = {}): Promise<Program> {
  const program = new FollowedProgram(path.resolve(root, file), options);
  await program.ready(options.ready ?? /^listening (\d+)$/m);
  return program;
}

class FollowedProgram implements Program {
  readonly child: ChildProcess;
  readonly exited: Promise<Exit>;
  output = "";
  port = Number.NaN;
  private readonly watchers = new Set<() => void>();
  private ended = false;

  constructor(file: string, options: ProgramOptions) {
    const node = [process.execPath, ...(options.execArgv ?? typescript), file, ...(options.args ?? [])];
    const [command = process.execPath, ...args] = [...(options.wrapper ?? []), ...node];
    const startedAt = performance.now();
    this.child = spawn(command, args, {
      cwd: options.cwd ?? root,
      // vitest's own NODE_OPTIONS and test markers are no part of the environment of a program.
      env: { ...process.env, NODE_OPTIONS: undefined, VITEST: undefined, NODE_ENV: undefined, ...options.env },
      stdio: ["ignore", "pipe", "pipe", ...(options.ipc ? (["ipc"] as const) : [])],
    });
    running.add(this);
    let stdout = "";
    let stderr = "";
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      this.append(text);
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      this.append(text);
    });
    this.exited = new Promise((resolve, reject) => {
      this.child.once("error", (error) => {
        running.delete(this);
        reject(error);
      });
      this.child.once("close", (code, signal) => {
        running.delete(this);
        this.ended = true;
        this.append("");
        resolve({ code, signal, stdout, stderr, durationMs: performance.now() - startedAt });
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async ready(pattern: RegExp): Promise<void> {
    const [, port] = await this.waitFor(pattern);
    this.port = Number(port);
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  send(message: string | object): void {
    this.child.send(message);
  }

  waitFor(pattern: RegExp): Promise<RegExpMatchArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const match = this.output.match(pattern);
        if (match === null && !this.ended) return;
        this.watchers.delete(look);
        if (match !== null) resolve(match);
        else reject(new Error(`the program ended and never wrote ${pattern}; it wrote:\n${this.output}`));
      };
      this.watchers.add(look);
      look();
    });
  }

  private append(text: string): void {
    this.output += text;
    for (const look of this.watchers) look();
  }
}
