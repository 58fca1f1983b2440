// A process that is stopped does not hold the time against a task that runs in it.
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { startProgram } from "../../support/process.js";

it.skipIf(process.platform === "win32")("a task has its time back after SIGSTOP and SIGCONT", async () => {
  const program = await startProgram("test/engine/threads/programs/stopped-task.ts", { ready: /^working$/m });
  program.kill("SIGSTOP");
  await sleep(2_000);
  program.kill("SIGCONT");
  const { code, stdout } = await program.exited;
  expect({ code, stdout }).toEqual({ code: 0, stdout: "working\nended succeeded\n" });
});
