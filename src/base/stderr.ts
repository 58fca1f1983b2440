// How the library writes to stderr: a reader that is gone ends nothing, and what is written last arrives.
import { fstatSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { shared } from "./shared.js";
import { nextTurn, now } from "./time.js";

/** In ms: how long the last lines wait for a reader that takes nothing, and how long they wait in all. */
const stalledMs = 500;
const longestMs = 5_000;

// Shared, because one copy may log through the logger of another.
const writes = shared("writes/1", () => ({ synchronous: false }));

/**
 * What is written within `log` has left when this returns. For an `exit` listener: Node writes to a pipe asynchronously, so
 * what the kernel does not take at once (64 KiB) would be lost with the process.
 */
export function synchronously(log: () => void): void {
  writes.synchronous = true;
  try {
    log();
  } finally {
    writes.synchronous = false;
  }
}

/** Writes a text and a line break. Never throws, and never causes an `error` event that nobody listens to. */
export function writeLine(text: string): void {
  if (writes.synchronous && isPipe(2)) {
    writeFully(2, `${text}\n`);
    return;
  }
  const release = ignoreErrors();
  // console.error and not process.stderr, so that what replaces the console (a test runner, a log shipper) sees the line.
  console.error(text);
  release();
}

/** Whether writes to a file descriptor are asynchronous. Those to files and terminals are not. */
function isPipe(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isFIFO() || stat.isSocket();
  } catch {
    return false;
  }
}

/** @returns whether all of it was written */
function writeFully(fd: number, text: string): boolean {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const latest = now() + longestMs;
  let progressAt = now();
  for (let rest = Buffer.from(text); rest.length > 0; ) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
      progressAt = now();
    } catch (error) {
      // The pipe is full: its reader needs time.
      const full = error instanceof Error && "code" in error && error.code === "EAGAIN";
      if (!full || now() >= Math.min(latest, progressAt + stalledMs)) return false;
      Atomics.wait(pause, 0, 0, 5);
    }
  }
  return true;
}

const ignore = (): void => {};
let writing = 0;

/**
 * Ignores errors of stderr until what is written now has left. The console does so itself, but only for the first error: the
 * second line after the reader has gone was an uncaught EPIPE (Node 20 to 26). Errors of other writes at other times stay
 * the program's.
 */
function ignoreErrors(): () => void {
  let stream: NodeJS.WriteStream;
  try {
    stream = process.stderr;
  } catch {
    return ignore;
  }
  if (!(stream instanceof Socket)) return ignore;
  if (writing++ === 0) stream.on("error", ignore);
  return () => {
    // The callback comes before the `error` event.
    stream.write("", () => {
      nextTurn(() => {
        if (--writing === 0) stream.off("error", ignore);
      });
    });
  };
}
