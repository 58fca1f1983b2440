// A Redis of our own on a free port, for contenders that need one.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import net from "node:net";

/** Whether there is a redis-server on this machine. */
export function hasRedis(): boolean {
  return spawnSync("redis-server", ["--version"]).status === 0;
}

export interface Redis {
  readonly port: number;
  stop(): void;
  /** SIGSTOP freezes it with its connections open, SIGCONT lets it go on. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void;
  /** kill -9. Resolves when it is dead. */
  kill(): Promise<void>;
}

/**
 * Resolves once it takes connections.
 *
 * @param options.port of one that was killed; default a free one
 * @param options.appendOnlyIn the directory of its append-only file, synced every second; without one it is in memory alone
 */
export async function startRedis(options: { appendOnlyIn?: string; port?: number } = {}): Promise<Redis> {
  const { appendOnlyIn, port = await freePort() } = options;
  const persistence =
    appendOnlyIn === undefined
      ? ["--appendonly", "no"]
      : ["--appendonly", "yes", "--appendfsync", "everysec", "--dir", appendOnlyIn];
  const words = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", ...persistence];
  const server = spawn("redis-server", words, { stdio: ["ignore", "pipe", "inherit"] });
  process.once("exit", () => server.kill("SIGKILL"));
  for await (const chunk of server.stdout) if (String(chunk).includes("Ready to accept connections")) break;
  return {
    port,
    stop: () => void server.kill("SIGTERM"),
    signal: (signal) => void server.kill(signal),
    async kill() {
      const exited = once(server, "exit");
      server.kill("SIGKILL");
      await exited;
    },
  };
}

/** Of 127.0.0.1. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  return port;
}
