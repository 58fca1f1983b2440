// A PostgreSQL for a test: on a port of its own on 127.0.0.1, in a folder of its own; frozen, killed and started again on command.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./redis.js";

/** Debian's package keeps the programs out of the PATH. */
const debian = "/usr/lib/postgresql";

/** The folder of `initdb` and `postgres`; undefined where there is none. */
function programs(): string | undefined {
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map((version) => path.join(debian, version, "bin")),
    ...(process.env.PATH ?? "").split(":"),
  ];
  return folders.find((folder) => ["initdb", "postgres"].every((program) => existsSync(path.join(folder, program))));
}

/** Whether there is one on this machine. Where it is required and is not there, this throws. */
export function hasPostgres(): boolean {
  const found = programs() !== undefined;
  if (!found && process.env.OFFLOAD_REQUIRE_POSTGRES === "1")
    throw new Error("PostgreSQL is required, and is not installed");
  if (!found) console.warn("SKIPPED: PostgreSQL is not installed, so nothing is tested against a real one");
  return found;
}

export class PostgresServer {
  #process: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    private readonly data: string,
  ) {}

  /** @param dir a folder that ends with the test */
  static async start(dir: string): Promise<PostgresServer> {
    const data = path.join(dir, "data");
    mkdirSync(data);
    // It refuses to run as root.
    if (isRoot) {
      chmodSync(dir, 0o711);
      ran("chown", [nobody, data]);
    }
    const { command, args } = asNobody("initdb", ["-D", data, "-U", "test", "-A", "trust", "-N", "-E", "UTF8"]);
    ran(command, args);
    const server = new PostgresServer(await freePort(), data);
    await server.up();
    return server;
  }

  get url(): string {
    return `postgres://test@127.0.0.1:${this.port}/postgres`;
  }

  /** Starts it; what it kept on disk is there again. */
  async up(): Promise<void> {
    const settings = {
      listen_addresses: "127.0.0.1",
      port: this.port,
      unix_socket_directories: "",
      max_connections: 200,
    };
    const options = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const { command, args } = asNobody("postgres", ["-D", this.data, ...options]);
    // A group of its own: its processes are frozen and killed together.
    const started = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"], detached: true });
    this.#process = started;
    await new Promise<void>((resolve, reject) => {
      let output = "";
      started.stderr?.on("data", (text: Buffer) => {
        output += text;
        if (output.includes("ready to accept connections")) resolve();
      });
      started.once("exit", (code) => reject(new Error(`postgres ended with ${code}: ${output}`)));
    });
  }

  /** kill -9 of all its processes. */
  async kill(): Promise<void> {
    const running = this.#process;
    if (running === undefined) return;
    this.#process = undefined;
    const exited = once(running, "exit");
    signal(running, "SIGKILL");
    await exited;
    while (await this.#listens()) await sleep(20);
  }

  freeze(): void {
    if (this.#process !== undefined) signal(this.#process, "SIGSTOP");
  }

  thaw(): void {
    if (this.#process !== undefined) signal(this.#process, "SIGCONT");
  }

  #listens(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = net.connect(this.port, "127.0.0.1", () => resolve(true));
      socket.on("error", () => resolve(false)).once("connect", () => socket.destroy());
    });
  }
}

const isRoot = process.getuid?.() === 0;
const nobody = "nobody";

function asNobody(program: string, args: readonly string[]): { command: string; args: string[] } {
  const command = path.join(programs() ?? "", program);
  // Unlike su and runuser, it replaces itself by the program, which then has the pid; and it ends the program when the tests are killed.
  if (isRoot)
    return {
      command: "setpriv",
      args: [`--reuid=${nobody}`, "--clear-groups", "--pdeathsig=SIGINT", command, ...args],
    };
  return { command, args: [...args] };
}

function ran(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: "utf8", cwd: "/" });
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? stderr}`);
}

/** Each process that serves a connection is a process group of its own, and a child of the first. */
function signal(server: ChildProcess, name: NodeJS.Signals): void {
  const { stdout } = spawnSync("ps", ["-o", "pid=", "--ppid", String(server.pid)], { encoding: "utf8" });
  const pids = [Number(server.pid), ...stdout.trim().split(/\s+/).filter(Boolean).map(Number)];
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended meanwhile.
    }
  }
}
