// libuv's thread pool, which serves the file system, DNS and crypto of the whole process.
import { access } from "node:fs";

/**
 * Starts the pool from this thread, if it is not up. libuv starts it with its first work, and on Linux its threads inherit the
 * niceness of the thread that gave the work. Started by a task under `pool.priority`, the pool would serve the files of the
 * requests at that niceness too (seen with a CommonJS application, whose own files are not loaded through the pool, on Node 20
 * to 26).
 */
export function startLibuvThreads(): void {
  access(".", () => {});
}
