// A redis-server, or a valkey-server, for a test: on a port of its own on 127.0.0.1, in a folder of its own; frozen, killed and started
// again on command.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";

/** `OFFLOAD_REDIS_SERVER=valkey-server` takes that one; otherwise it is the first of the two that is installed. */
const server =
  process.env.OFFLOAD_REDIS_SERVER ?? ["redis-server", "valkey-server"].find(isInstalled) ?? "redis-server";
const client = server.replace(/-server$/, "-cli");

function isInstalled(program: string): boolean {
  return spawnSync(program, ["--version"]).status === 0;
}

/** Whether there is one on this machine. Where it is required and is not there, this throws. */
export function hasRedis(): boolean {
  const found = isInstalled(server);
  if (!found && process.env.OFFLOAD_REQUIRE_REDIS === "1")
    throw new Error(`${server} is required, and is not installed`);
  if (!found) console.warn(`SKIPPED: ${server} is not installed, so nothing is tested against a real broker`);
  return found;
}

export class RedisServer {
  #process: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    private readonly dir: string,
  ) {}

  static async start(dir: string): Promise<RedisServer> {
    const started = new RedisServer(await freePort(), dir);
    await started.up();
    return started;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it; what it kept on disk is there again. */
  async up(): Promise<void> {
    const options = [
      "--port",
      String(this.port),
      "--bind",
      "127.0.0.1",
      "--dir",
      this.dir,
      "--save",
      "",
      "--appendonly",
      "yes",
      "--appendfsync",
      "always",
    ];
    const started = spawn(server, options, { stdio: ["ignore", "pipe", "inherit"] });
    this.#process = started;
    await new Promise<void>((resolve, reject) => {
      let output = "";
      started.stdout?.on("data", (text: Buffer) => {
        output += text;
        if (output.includes("Ready to accept connections")) resolve();
      });
      started.once("exit", (code) => reject(new Error(`${server} ended with ${code}: ${output}`)));
    });
  }

  /** kill -9. */
  async kill(): Promise<void> {
    const running = this.#process;
    if (running === undefined) return;
    this.#process = undefined;
    const exited = once(running, "exit");
    running.kill("SIGKILL");
    await exited;
  }

  /** Sends one command to it, and returns the answer as its command line tool prints it. */
  command(...words: readonly string[]): string {
    const { status, stdout, stderr } = spawnSync(client, ["-p", String(this.port), ...words], { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    return stdout.trim();
  }

  freeze(): void {
    this.#process?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const listening = createServer().listen(0, "127.0.0.1", () => {
      const { port } = listening.address() as AddressInfo;
      listening.close(() => resolve(port));
    });
  });
}
