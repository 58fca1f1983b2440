// `node --watch` in a real process: a change of the tasks module restarts it, and what was accepted is drained before.
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { makeDirectory } from "../../support/directory.js";
import { startProgram } from "../../support/process.js";

const library = pathToFileURL(path.join(import.meta.dirname, "../../../dist/index.js")).href;

it("a change of the tasks module restarts the process, and the tasks of before are done", async () => {
  const directory = makeDirectory("node-watch");
  const [app = "", tasks = "", ledger = ""] = ["app.mjs", "tasks.mjs", "ledger"].map((name) =>
    path.join(directory, name),
  );
  writeFileSync(
    app,
    `import { createOffloader } from ${JSON.stringify(library)};
    const offloader = createOffloader({ tasks: new URL("./tasks.mjs", import.meta.url), pool: { maxThreads: 1 } });
    offloader.shutdownOnSignals([]);
    await offloader.ready();
    for (let n = 0; n < 5; n++) offloader.offload("work", { pid: process.pid, n });
    console.log("listening " + process.pid);`,
  );
  writeFileSync(
    tasks,
    `import { appendFileSync } from "node:fs";
    import { setTimeout } from "node:timers/promises";
    export async function work({ pid, n }) {
      await setTimeout(100);
      appendFileSync(${JSON.stringify(ledger)}, pid + " " + n + "\\n");
    }`,
  );
  const program = await startProgram(app, { execArgv: ["--watch"], cwd: directory });
  const first = program.port;
  appendFileSync(tasks, "// changed\n");
  const [, second] = await program.waitFor(/listening \d+\n[\s\S]*listening (\d+)/);
  const done = (pid: number) => readFileSync(ledger, "utf8").match(new RegExp(`^${pid} `, "gm"));
  expect(Number(second)).not.toBe(first);
  expect(done(first)).toHaveLength(5);
  program.kill("SIGTERM");
  await program.exited;
  expect(done(Number(second))).toHaveLength(5);
});
