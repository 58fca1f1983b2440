// A PostgreSQL of our own on a free port, in a folder of its own, for contenders that need one.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import path from "node:path";
import { freePort } from "./redis.js";

/** Debian's package keeps the programs out of the PATH. */
const debian = "/usr/lib/postgresql";
const isRoot = process.getuid?.() === 0;

export interface Postgres {
  readonly url: string;
  /** Ends it without a checkpoint. Resolves when it has ended. */
  kill(): Promise<void>;
}

/** Whether there is one on this machine. */
export function hasPostgres(): boolean {
  return programs() !== undefined;
}

/**
 * Resolves once it takes connections.
 *
 * @param folder is made, and everything of it is in there
 */
export async function startPostgres(folder: string): Promise<Postgres> {
  mkdirSync(folder);
  const data = path.join(folder, "data");
  mkdirSync(data);
  // It refuses to run as root.
  if (isRoot) {
    for (const outer of [folder, path.dirname(folder)]) chmodSync(outer, 0o711);
    run(["chown", "nobody", data]);
  }
  run(asNobody("initdb", ["-D", data, "-U", "bench", "-A", "trust", "-N", "-E", "UTF8"]));
  const port = await freePort();
  const settings = [`port=${port}`, "listen_addresses=127.0.0.1", "unix_socket_directories="];
  const [command = "", ...args] = asNobody("postgres", ["-D", data, ...settings.flatMap((setting) => ["-c", setting])]);
  const server = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
  process.once("exit", () => server.kill("SIGQUIT"));
  for await (const chunk of server.stderr) if (String(chunk).includes("ready to accept connections")) break;
  return {
    url: `postgres://bench@127.0.0.1:${port}/postgres`,
    async kill() {
      const exited = once(server, "exit");
      // It ends the processes of its connections with it.
      server.kill("SIGQUIT");
      await exited;
    },
  };
}

/** The folder of `initdb` and `postgres`; undefined where there is none. */
function programs(): string | undefined {
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map((version) => path.join(debian, version, "bin")),
    ...(process.env.PATH ?? "").split(":"),
  ];
  return folders.find((folder) => ["initdb", "postgres"].every((program) => existsSync(path.join(folder, program))));
}

function asNobody(program: string, args: readonly string[]): readonly string[] {
  const words = [path.join(programs() ?? "", program), ...args];
  // Unlike su, it replaces itself by the program, which then has the pid.
  return isRoot ? ["setpriv", "--reuid=nobody", "--clear-groups", ...words] : words;
}

function run([command = "", ...args]: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: "utf8", cwd: "/" });
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? stderr}`);
}
