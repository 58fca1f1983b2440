// An ordinary structure: the file that makes the offloader has a function that the tasks module needs as well.
import { isMainThread } from "node:worker_threads";
import { createOffloader } from "offload-after-response";

export const offloader = createOffloader({
  tasks: new URL("./tasks.ts", import.meta.url),
  pool: { minThreads: 2, maxThreads: 2, execArgv: process.execArgv },
});

export function greeting(name: string): string {
  return `hello ${name}`;
}

if (isMainThread) {
  await offloader.ready();
  process.stdout.write(`${JSON.stringify(await offloader.run("tries"))}\n`);
  await offloader.close();
}
