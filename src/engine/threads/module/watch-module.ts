// In development: notices that the tasks module has changed on disk, so that the threads can be renewed.
import { type FSWatcher, watch } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { clearTimer, setTimer, type Timer } from "../../../base/time.js";

// ms without a further change. Editors write a file in several steps, and compilers write several files.
const quietMs = 100;

/**
 * Calls `onChange` after files beside the tasks module, or below its folder, have changed. Keeps no process alive.
 *
 * @param url of the tasks module; one that is no file is not watched
 * @returns what ends the watching
 */
export function watchModule(url: string, onChange: () => void): () => void {
  if (!url.startsWith("file:")) return () => {};
  let timer: Timer | undefined;
  const changed = (_event: string, file: string | null): void => {
    if (file !== null && !/\.[cm]?[jt]sx?$|\.json$/.test(file)) return;
    clearTimer(timer);
    timer = setTimer(onChange, quietMs);
    timer.unref();
  };
  // Watches the folder and not the file, because most editors replace the file by a new one.
  const watcher: FSWatcher = watch(path.dirname(fileURLToPath(url)), { persistent: false, recursive: true }, changed);
  watcher.on("error", () => {});
  return () => {
    clearTimer(timer);
    watcher.close();
  };
}
