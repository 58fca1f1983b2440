// stdout and stderr in a shutdown: nothing that is written may end it, and what is written last arrives before the exit.
import type { Writable } from "node:stream";
import { inTime } from "../../base/time.js";

function streams(): Writable[] {
  return [() => process.stdout, () => process.stderr].flatMap((get): Writable[] => {
    try {
      return [get()];
    } catch {
      // A file descriptor that is closed.
      return [];
    }
  });
}

/**
 * From now on a reader that is gone (Ctrl-C on `node app.js | tee log` ends tee first) is no uncaught exception.
 *
 * @returns what undoes it
 */
export function outliveReaders(): () => void {
  const undo = streams().map((stream) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      // A program that has its own listener handles the error itself. Every other error stays an exception.
      if (error.code !== "EPIPE" && stream.listenerCount("error") === 1) throw error;
    };
    stream.on("error", onError);
    return () => stream.off("error", onError);
  });
  return () => {
    for (const each of undo) each();
  };
}

/**
 * Waits until the readers have taken what was written, but no longer than `ms`. Node writes to a pipe asynchronously, and
 * drops at its exit what the kernel has not taken (beyond 64 KiB).
 */
export async function flushOutput(ms: number): Promise<void> {
  const busy = streams().filter(({ writableLength }) => writableLength > 0);
  const flushed = busy.map((stream) => new Promise<void>((resolve) => stream.write("", () => resolve())));
  await inTime(Promise.all(flushed), ms);
}
