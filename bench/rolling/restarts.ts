// Rolling restarts of two servers behind a balancer, under load: what the clients saw, and which tasks were lost.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { Balancer } from "./balancer.js";
import { Load } from "./load.js";

/** Then a server that has not exited is killed, as Kubernetes does it, in ms. */
const grace = 30_000;

export interface RollingOptions {
  /** How the servers shut down: a file of `methods/`. */
  readonly method: string;
  /** How many times a server is restarted, the two in turn. */
  readonly restarts: number;
  /** How long the servers go on serving after the signal, in ms. */
  readonly drainDelay: number;
  /** How late the balancer learns of it, in ms. */
  readonly lag: number;
  /** Clients of each of three kinds: keep-alive, a connection for each request, slow requests. */
  readonly clients: number;
  /** Told of each restart. */
  readonly onRestart?: (restart: {
    readonly number: number;
    readonly durationMs: number;
    readonly by: Exit["by"];
  }) => void;
}

export interface RollingResult {
  readonly requests: number;
  readonly failed: number;
  /** Failed requests by error code or status. */
  readonly failures: Readonly<Record<string, number>>;
  /** Tasks whose request was answered with 202. */
  readonly accepted: number;
  /** Those of them that never ended. */
  readonly lost: number;
  /** How the servers exited, in order: the exit code, or the signal that ended the process. */
  readonly exits: readonly Exit["by"][];
  /** From the signal to the exit, in ms, the longest. */
  readonly slowestExitMs: number;
}

/** Restarts the servers in turn, and compares what was promised with what was done. */
export async function rollingRestarts(options: RollingOptions): Promise<RollingResult> {
  const folder = mkdtempSync(path.join(tmpdir(), "rolling-restarts-"));
  const ledger = path.join(folder, "ledger");
  const ports = [await freePort(), await freePort()];
  const servers: Server[] = [];
  const balancer = new Balancer(ports, options.lag);
  try {
    for (const port of ports) servers.push(await Server.start(port, ledger, options));
    const load = new Load(await balancer.listen());
    for (const port of ports) await balancer.inService(port);
    load.start(options.clients);

    const exits: Exit[] = [];
    for (let number = 0; number < options.restarts; number += 1) {
      const old = servers[number % 2];
      if (old === undefined) break;
      const exit = await old.stop();
      exits.push(exit);
      servers[number % 2] = await Server.start(old.port, ledger, options);
      await balancer.inService(old.port);
      options.onRestart?.({ number: number + 1, ...exit });
    }

    const { requests, failures, accepted } = await load.stop();
    for (const server of servers) exits.push(await server.stop());
    const done = new Set(existsSync(ledger) ? readFileSync(ledger, "utf8").split("\n") : []);
    return {
      requests,
      failed: [...failures.values()].reduce((sum, n) => sum + n, 0),
      failures: Object.fromEntries(failures),
      accepted: accepted.length,
      lost: accepted.filter((id) => !done.has(id)).length,
      exits: exits.map(({ by }) => by),
      slowestExitMs: Math.round(Math.max(...exits.map(({ durationMs }) => durationMs))),
    };
  } finally {
    balancer.close();
    for (const server of servers) server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Exit {
  readonly by: number | NodeJS.Signals;
  readonly durationMs: number;
}

class Server {
  private constructor(
    readonly port: number,
    private readonly child: ChildProcess,
  ) {}

  static async start(port: number, ledger: string, { method, drainDelay }: RollingOptions): Promise<Server> {
    const file = path.join(import.meta.dirname, "server.ts");
    const args = ["--import", "tsx", file, method, String(port), ledger, String(drainDelay)];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      errors += chunk;
    });
    const lines = createInterface(child.stdout);
    await Promise.race([
      once(lines, "line"),
      once(child, "exit").then(([code]) => Promise.reject(new Error(`the server exited with ${code}:\n${errors}`))),
    ]);
    return new Server(port, child);
  }

  /** SIGTERM, at last SIGKILL, and how it went. */
  async stop(): Promise<Exit> {
    const startedAt = performance.now();
    const exited = once(this.child, "exit");
    this.child.kill("SIGTERM");
    const killer = setTimeout(() => this.child.kill("SIGKILL"), grace);
    const [code, signal] = await exited;
    clearTimeout(killer);
    return { by: code ?? signal, durationMs: performance.now() - startedAt };
  }

  kill(): void {
    this.child.kill("SIGKILL");
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
