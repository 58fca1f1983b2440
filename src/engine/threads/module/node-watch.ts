// Under `node --watch` a change of the tasks module restarts the process, as that of any other file does. Up to Node 22 the
// watcher does not see what worker threads load, so it is told of the module as Node's own loader tells it of each file. From
// Node 24 on it sees their files itself, those included that the module imports.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** @param url of the tasks module; one that is no file, or does not exist, is not watched */
export function reportToNodeWatch(url: string): void {
  // The watcher sets the variable, and listens to the IPC channel.
  if (process.env.WATCH_REPORT_DEPENDENCIES !== "1" || !process.connected || !url.startsWith("file:")) return;
  if (!existsSync(fileURLToPath(url))) return;
  // A watcher that has gone meanwhile is no reason to fail.
  process.send?.({ "watch:import": [url] }, undefined, undefined, () => {});
}
