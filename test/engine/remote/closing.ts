// A process that closes while its broker does not answer: programs/closes.ts.
import { expect } from "vitest";
import { makeDirectory } from "../../support/directory.js";
import { startProgram } from "../../support/process.js";

export interface Closing {
  /** Of the fake broker. */
  readonly port?: number;
  /** Of a real one. */
  readonly connection?: string;
  readonly queue: string;
  readonly role: "dispatch" | "work" | "both";
  readonly backlog?: number;
  /** Nothing of the backlog is under way. */
  readonly paused?: boolean;
  /** Whether a task from the queue runs that goes on for ever. */
  readonly running?: boolean;
  readonly timeout: number;
  /** Whether it calls `process.exit()`. */
  readonly exits?: boolean;
}

/**
 * Nothing of the close keeps the process alive or ends it by force, and what waited for the broker is in the journal.
 *
 * @param begin has the broker answer no more
 */
export async function endsByItself(closing: Closing, begin: () => unknown): Promise<void> {
  const { port = 0, queue, ...settings } = closing;
  const program = await startProgram("test/engine/remote/programs/closes.ts", {
    ready: /^ready$/m,
    args: [String(port), queue, makeDirectory("engine"), JSON.stringify(settings)],
    ipc: true,
  });
  await begin();
  program.send("close");
  const exit = await program.exited;
  expect(exit).toMatchObject({ code: 3, signal: null });
  const [, report = ""] = exit.stdout.match(/^closed (.+)$/m) ?? [];
  const { lateMs, ...left } = JSON.parse(report);
  expect(left).toEqual({ abandoned: 0, journaled: settings.backlog ?? 0 });
  // On a quiet machine some 30.
  expect(lateMs).toBeLessThan(1_000);
}
