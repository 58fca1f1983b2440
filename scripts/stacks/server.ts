// The app of a stack as a process: started by a shell, followed until it answers, ended by SIGTERM.
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";

const startTimeout = 120_000;
const exitTimeout = 60_000;

/** A started app. */
export class Server {
  text = "";
  private readonly child: ChildProcess;
  private readonly exited: Promise<number | NodeJS.Signals | null>;
  private over = false;

  constructor(command: string, cwd: string, env: NodeJS.ProcessEnv) {
    this.child = spawn("sh", ["-c", `exec ${command}`], {
      cwd,
      env,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.text += text;
      });
    }
    this.exited = new Promise((resolve) => {
      this.child.on("close", (code, signal) => {
        this.over = true;
        resolve(code ?? signal);
      });
    });
  }

  /** Resolves when the app answers. */
  async answers(url: string): Promise<void> {
    const until = Date.now() + startTimeout;
    while (Date.now() < until && !this.over) {
      const answered = await fetch(url).then(
        () => true,
        () => false,
      );
      if (answered) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(this.over ? "the app ended before it answered" : "the app does not answer");
  }

  /** Ends it by SIGTERM; resolves with its exit code, or with the signal that ended it. */
  async end(): Promise<number | NodeJS.Signals | null> {
    this.child.kill("SIGTERM");
    const timer = setTimeout(() => this.kill(), exitTimeout);
    const code = await this.exited;
    clearTimeout(timer);
    return code;
  }

  /** Ends it and what it has started, as a terminal does: a development server may leave its program behind. */
  async endAll(): Promise<void> {
    this.signalAll("SIGTERM");
    const timer = setTimeout(() => this.kill(), exitTimeout);
    await this.exited;
    clearTimeout(timer);
  }

  kill(): void {
    if (!this.over) this.signalAll("SIGKILL");
  }

  private signalAll(signal: NodeJS.Signals): void {
    const { pid } = this.child;
    try {
      if (pid !== undefined) process.kill(-pid, signal);
    } catch {
      // All have ended.
    }
  }
}

/** A port that nobody listens on at the moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
