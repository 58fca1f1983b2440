// libuv's thread pool, which serves the file system, DNS and crypto of the whole process.
import { access } from "node:fs";

/**
 * Starts the pool from this thread, if it is not up. It starts with its first work, and on Linux its threads have the niceness
 * of the one that gave it: from a task with `pool.priority`, that would make the files of the requests wait as well (seen with
 * an application in CommonJS, of which nothing is loaded by way of the pool, on Node.js 20 to 26).
 */
export function startLibuvThreads(): void {
  access(".", () => {});
}
