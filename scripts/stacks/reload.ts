// The app of a stack in development: its file is changed, the framework evaluates it anew, and there is one offloader.
import { appendFileSync, rmSync } from "node:fs";
import path from "node:path";
import type { Reload, Stack } from "./description.js";
import { linesOf, type Send, sender } from "./requests.js";
import { freePort, Server } from "./server.js";

const batch = 6;
const evaluateTimeout = 60_000;

/** Throws with the output of the app if the tasks after a change are those of several offloaders, or of another one. */
export async function tryReload(
  stack: Stack,
  { dev, edit, inAnother }: Reload,
  project: string,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const output = path.join(project, "output.txt");
  rmSync(output, { force: true });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = new Server(dev, project, { ...env, PORT: String(port), HOST: "127.0.0.1", OUTPUT: output });
  try {
    await server.answers(`${url}/`);
    const send = await sender(stack, project, url);
    const seen = [await offloadersOf(send, 0, output)];
    for (const round of [1, 2]) {
      appendFileSync(path.join(project, edit), `console.log("evaluated " + "anew ${round}");\n`);
      await until(
        () => server.text.includes(`evaluated anew ${round}`),
        () => send(1_000 * round).catch(() => {}),
      );
      // A program that is started anew says so before it listens.
      await server.answers(`${url}/`);
      seen.push(await offloadersOf(send, 100 * round, output));
    }
    console.log(`${dev}: offloaders before and after two changes: ${seen.map((ids) => ids.join(" and ")).join(", ")}`);
    if (seen.some((ids) => ids.length !== 1)) throw new Error("there are several offloaders");
    if (!inAnother && new Set(seen.flat()).size !== 1) throw new Error("the offloader was made anew");
  } catch (error) {
    throw new Error(`${dev}: ${error instanceof Error ? error.message : error}\n${server.text}`, { cause: error });
  } finally {
    await server.endAll();
  }
}

/** Whose tasks ran for a batch of requests: an id begins with the offloader's own part. */
async function offloadersOf(send: Send, first: number, output: string): Promise<string[]> {
  const numbers = Array.from({ length: batch }, (_, n) => first + n);
  // In development each route is compiled at its first request.
  for (const n of numbers) await send(n);
  const lines = (): string[] => linesOf(output).filter((line) => numbers.includes(Number(line.split(" ")[0])));
  await until(
    () => lines().length === batch,
    async () => {},
  );
  return [...new Set(lines().map((line) => line.split(" ")[1]?.split("-")[0] ?? ""))];
}

async function until(holds: () => boolean, meanwhile: () => Promise<void>): Promise<void> {
  const end = Date.now() + evaluateTimeout;
  while (!holds()) {
    if (Date.now() > end) throw new Error("what was waited for did not come within a minute");
    await meanwhile();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
