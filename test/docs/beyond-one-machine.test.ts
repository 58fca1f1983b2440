// docs/beyond-one-machine.md: the order of its program and its task are committed together, or neither is.
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { makeDirectory } from "../support/directory.js";
import { hasPostgres, PostgresServer } from "../support/postgres.js";
import { startProgram } from "../support/process.js";
import { writeDocument } from "./documents.js";

const program = `
import { setTimeout as sleep } from "node:timers/promises";
import { offloader, order } from "./orders.js";

offloader.shutdownOnSignals();
while (offloader.stats().engine?.up !== true) await sleep(10);
offloader.on("succeeded", ({ id }) => console.log("succeeded", id));
process.on("message", async (width: number) => {
  await order(width).catch((error: Error) => console.log("refused", error.message));
  console.log("ordered", width, offloader.stats().succeeded);
});
console.log("ready");
`;

describe.runIf(hasPostgres())("the program of docs/beyond-one-machine.md", () => {
  let project: Awaited<ReturnType<typeof writeDocument>>;
  let postgres: PostgresServer;
  const directory = makeDirectory("postgres");

  beforeAll(async () => {
    postgres = await PostgresServer.start(directory);
    project = await writeDocument("beyond-one-machine");
    await writeFile(path.join(project.directory, "page/program.ts"), program);
  });
  afterAll(async () => {
    await project.remove();
    await postgres.kill();
  });

  it("runs the task of an order that is committed, and has none of an order that is refused", async () => {
    const client = new Client(postgres.url);
    await client.connect();
    onTestFinished(() => client.end());
    await client.query("CREATE TABLE orders (width integer CHECK (width < 1000))");
    // A deferred constraint refuses the order at the COMMIT, when the task is in the transaction already.
    await client.query("CREATE TABLE sizes (width integer PRIMARY KEY)");
    await client.query("INSERT INTO sizes VALUES (320)");
    await client.query("ALTER TABLE orders ADD FOREIGN KEY (width) REFERENCES sizes DEFERRABLE INITIALLY DEFERRED");
    const env = { POSTGRES: postgres.url, JOURNAL: makeDirectory() };
    const file = path.join(project.directory, "page/program.ts");
    const running = await startProgram(file, { env, ipc: true, ready: /^ready/m });
    running.send("640");
    await running.waitFor(/^refused .*foreign key/m);
    const { rows } = await client.query("SELECT count(*)::integer AS jobs FROM pgboss.job WHERE name = 'photos'");
    expect(rows).toEqual([{ jobs: 0 }]);
    running.send("320");
    await running.waitFor(/^resized to 320$/m);
    await running.waitFor(/^succeeded /m);
    expect((await client.query("SELECT width FROM orders")).rows).toEqual([{ width: 320 }]);
    expect(running.output).not.toContain("resized to 640");
    running.kill("SIGTERM");
    expect(await running.exited).toMatchObject({ code: 0 });
  });
});
