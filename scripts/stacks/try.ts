// One stack, tried: build, start, 60 requests, SIGTERM in the middle of their tasks, and all 60 tasks have run.
import { readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { nodeBinary } from "../nodes.js";
import { root, succeeds } from "../run.js";
import { readStack, type Stack, type Way, waysOf } from "./description.js";
import { createProject, ownPrograms } from "./install.js";
import { tryReload } from "./reload.js";
import { linesOf, sender } from "./requests.js";
import { freePort, Server } from "./server.js";

const requests = 60;

/**
 * Tries the app of a stack. Throws with the output of the app if a request fails, a task is lost, or the exit is no clean one.
 *
 * @param folder of the stack
 * @param packed the tarball of the package
 */
export async function tryStack(folder: string, packed: string): Promise<void> {
  const stack = readStack(folder);
  const project = createProject(folder, packed, stack.install);
  try {
    await tryProject(stack, project);
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
}

/** The same in a folder where everything is installed. */
async function tryProject(stack: Stack, project: string): Promise<void> {
  for (const [index, way] of waysOf(stack).entries()) {
    const env = environment(stack, way, project);
    if (way.dev !== undefined) await serve(stack, way.dev, project, env);
    if (way.build !== undefined) run(way.build, project, env);
    if (stack.deploy !== undefined) keepOnly(project, stack.deploy);
    if (stack.test !== undefined && index === 0) run(stack.test, project, env);
    if (way.start !== undefined) await serve(stack, way.start, project, env);
  }
  if (stack.reload !== undefined) await tryReload(stack, stack.reload, project, environment(stack, stack, project));
}

function environment(stack: Stack, way: Way, project: string): NodeJS.ProcessEnv {
  const node = stack.node === undefined ? [] : [path.dirname(nodeBinary(stack.node))];
  const programs = [...node, path.join(project, "node_modules/.bin"), ownPrograms, process.env.PATH ?? ""];
  // What packages of the repository are found by, where the project has not installed them: a bundler's configuration.
  const NODE_PATH = path.join(root, "node_modules");
  return { ...process.env, PATH: programs.join(path.delimiter), NODE_PATH, NODE_OPTIONS: "", ...way.env };
}

function run(command: string, project: string, env: NodeJS.ProcessEnv): void {
  if (!succeeds("sh", ["-c", command], { cwd: project, env })) throw new Error(`failed: ${command}`);
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
  const url = `http://127.0.0.1:${port}`;
  const server = new Server(command, project, { ...env, PORT: String(port), HOST: "127.0.0.1", OUTPUT: output });
  try {
    await server.answers(`${url}/`);
    const send = await sender(stack, project, url);
    const answers = await Promise.allSettled(Array.from({ length: requests }, (_, n) => send(n)));
    const failed = answers.filter((answer) => answer.status === "rejected");
    const code = await server.end();
    const done = new Set(linesOf(output)).size;
    console.log(`${command}: ${done} of ${requests} tasks, ${requests - failed.length} requests, exit ${code}`);
    if (failed.length > 0) throw new Error(`${failed.length} of ${requests} requests failed: ${failed[0]?.reason}`);
    if (done !== requests) throw new Error(`${done} of ${requests} tasks have run`);
    if (code !== 0) throw new Error(`the exit code is ${code}`);
  } catch (error) {
    throw new Error(
      `${command}: ${error instanceof Error ? error.message : error}\n${server.text.replace(/^(.{400}).+$/gm, "$1…")}`,
      { cause: error },
    );
  } finally {
    server.kill();
  }
}
