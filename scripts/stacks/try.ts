// One stack, tried: build, start, 60 requests, SIGTERM in the middle of their tasks, and all 60 tasks have run.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { root, succeeds } from "../run.js";
import { readStack, type Stack } from "./description.js";
import { createProject, ownPrograms } from "./install.js";

const requests = 60;
const startTimeout = 120_000;
const exitTimeout = 60_000;

/**
 * Tries the app of a stack. Throws with the output of the app if a request fails, a task is lost, or the exit is no clean one.
 *
 * @param folder of the stack
 * @param packed the tarball of the package
 */
export async function tryStack(folder: string, packed: string): Promise<void> {
  const stack = readStack(folder);
  const project = createProject(folder, packed, stack.install);
  const env = environment(stack, project);
  if (stack.dev !== undefined) await serve(stack, stack.dev, project, env);
  if (stack.build !== undefined && !run(stack.build, project, env)) throw new Error(`failed: ${stack.build}`);
  if (stack.deploy !== undefined) keepOnly(project, stack.deploy);
  if (stack.test !== undefined && !run(stack.test, project, env)) throw new Error(`failed: ${stack.test}`);
  if (stack.start !== undefined) await serve(stack, stack.start, project, env);
  rmSync(project, { recursive: true, force: true });
}

function environment(stack: Stack, project: string): NodeJS.ProcessEnv {
  const programs = [path.join(project, "node_modules/.bin"), ownPrograms, process.env.PATH ?? ""];
  // What packages of the repository are found by, where the project has not installed them: a bundler's configuration.
  const NODE_PATH = path.join(root, "node_modules");
  return { ...process.env, PATH: programs.join(path.delimiter), NODE_PATH, NODE_OPTIONS: "", ...stack.env };
}

function run(command: string, project: string, env: NodeJS.ProcessEnv): boolean {
  return succeeds("sh", ["-c", command], { cwd: project, env });
}

function keepOnly(project: string, names: readonly string[]): void {
  for (const name of readdirSync(project)) {
    if (!names.includes(name)) rmSync(path.join(project, name), { recursive: true, force: true });
  }
}

async function serve(stack: Stack, command: string, project: string, env: NodeJS.ProcessEnv): Promise<void> {
  const output = path.join(project, "output.txt");
  rmSync(output, { force: true });
  const port = await freePort();
  const server = new Server(command, project, { ...env, PORT: String(port), HOST: "127.0.0.1", OUTPUT: output });
  try {
    await server.answers(`http://127.0.0.1:${port}/`);
    const statuses = await Promise.all(
      Array.from({ length: requests }, async (_, n) => {
        const url = `http://127.0.0.1:${port}${stack.request ?? "/work/"}${n}`;
        return (await fetch(url, { method: "POST" })).status;
      }),
    );
    const refused = statuses.filter((status) => status >= 300);
    if (refused.length > 0) throw new Error(`${refused.length} of ${requests} requests failed: ${refused}`);
    const code = await server.end();
    const lines = existsSync(output) ? readFileSync(output, "utf8").split("\n").filter(Boolean) : [];
    const done = new Set(lines).size;
    if (done !== requests) throw new Error(`${done} of ${requests} tasks have run`);
    if (code !== 0) throw new Error(`the exit code is ${code}`);
  } catch (error) {
    throw new Error(`${command}: ${error instanceof Error ? error.message : error}\n${server.text}`, { cause: error });
  } finally {
    server.kill();
  }
}

/** A started app. */
class Server {
  text = "";
  private readonly child: ChildProcess;
  private readonly exited: Promise<number | NodeJS.Signals | null>;
  private over = false;

  constructor(command: string, cwd: string, env: NodeJS.ProcessEnv) {
    this.child = spawn("sh", ["-c", `exec ${command}`], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
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

  kill(): void {
    if (!this.over) this.child.kill("SIGKILL");
  }
}

/** A port that nobody listens on at the moment. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
