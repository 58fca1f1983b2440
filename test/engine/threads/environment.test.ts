// All threads of a pool have the same process.env, whenever they start.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { startProgram } from "../../support/process.js";

it("threads started before and after dotenv see the same, and a warning names the variable, not its value", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "offload-after-response-env-"));
  const file = path.join(folder, ".env");
  writeFileSync(file, "LATE_SECRET=hush\n");
  const program = await startProgram("test/engine/threads/programs/environment.ts", {
    args: [file],
    ready: /^seen .*$/m,
  });
  const { code, stdout, stderr } = await program.exited;
  rmSync(folder, { recursive: true });
  expect(code).toBe(0);
  expect(stdout).toContain("seen unset unset\n");
  expect(stderr).toContain("load the environment before createOffloader");
  expect(stderr).toContain("LATE_SECRET");
  expect(stderr).not.toContain("hush");
});
