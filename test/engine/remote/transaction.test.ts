// offload() with `transaction`: the task is inserted by the user's own transaction, and shares its end.
import { pgBoss } from "offload-after-response/pg-boss";
import { Client, Pool } from "pg";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { makeDirectory } from "../../support/directory.js";
import { rejection, thrownBy, type Watched, type WatchedOptions, watch } from "../../support/offloader.js";
import { hasPostgres, PostgresServer } from "../../support/postgres.js";
import { until } from "../../support/until.js";
import { choiceOf } from "./choice.js";

const client = { query: async () => {} };
const directory = makeDirectory("transaction");

describe("the option transaction is refused", () => {
  it.each<[string, WatchedOptions, string]>([
    ["without an engine", {}, "the option engine"],
    ["with an engine that is no database", { engine: choiceOf(1, "q"), journal: { dir: directory } }, "your database"],
    ["with the policy engine: false", { ...onNoDatabase(), policies: { echo: { engine: false } } }, "engine: false"],
  ])("%s", (_title, options, why) => {
    const { offloader } = watch("tasks.mjs", { name: `refused-${why}`, ...options });
    expect(thrownBy(() => offloader.offload("echo", 1, { transaction: client }))).toMatchObject({
      code: "AR_INVALID_OPTIONS",
      message: expect.stringContaining(why),
    });
  });

  it("in other calls, with transfer, and for what is no client", async () => {
    const { offloader } = watch("tasks.mjs", { name: "refused-calls", ...onNoDatabase() });
    expect(await rejection(offloader.run("echo", 1, { transaction: client }))).toMatchObject({
      code: "AR_INVALID_OPTIONS",
      message: expect.stringContaining("run() cannot be part of one"),
    });
    const transfer = [new ArrayBuffer(8)];
    const moves = thrownBy(() => offloader.offload("echo", transfer[0], { transaction: client, transfer }));
    expect(moves.message).toContain("what is in transfer stays in this process");
    for (const given of [true, {}, new Pool()]) {
      const refusal = thrownBy(() => offloader.offload("echo", 1, { transaction: given as never }));
      expect(refusal.message).toContain("expected transaction to be a client in a transaction");
    }
  });
});

/** It cannot be reached. */
function onNoDatabase(): WatchedOptions {
  return {
    engine: pgBoss({ connection: "postgres://127.0.0.1:1/none", queue: "none" }),
    journal: { dir: makeDirectory("transaction") },
  };
}

describe.runIf(hasPostgres())("with PostgreSQL", () => {
  let postgres: PostgresServer;
  let queues = 0;

  beforeAll(async () => {
    postgres = await PostgresServer.start(directory);
  });
  afterAll(() => postgres.kill());

  function engine(queue: string): WatchedOptions["engine"] {
    return pgBoss({ connection: postgres.url, queue, lockMs: 3_000, pollMs: 100 });
  }

  /** A web process whose engine has reached the database, and the queue's name. */
  async function web(options: WatchedOptions = {}): Promise<{ web: Watched; queue: string }> {
    const queue = `q${queues++}`;
    const journal = { dir: makeDirectory("transaction") };
    const watched = watch("tasks.mjs", {
      name: `web-${queue}`,
      role: "dispatch",
      engine: engine(queue),
      journal,
      ...options,
    });
    await until(() => watched.offloader.stats().engine?.up === true, "the engine to be up");
    return { web: watched, queue };
  }

  const worker = (queue: string): Watched =>
    watch("tasks.mjs", {
      name: `worker-${queue}`,
      role: "work",
      engine: engine(queue),
      journal: { dir: makeDirectory() },
    });

  /** A connection of the user's own, in a transaction. */
  async function begin(): Promise<Client> {
    const made = new Client(postgres.url);
    await made.connect();
    onTestFinished(() => made.end());
    await made.query("BEGIN");
    return made;
  }

  async function jobsOf(queue: string): Promise<number> {
    const other = await begin();
    const { rows } = await other.query("SELECT count(*) AS jobs FROM pgboss.job WHERE name = $1", [queue]);
    return Number(rows[0].jobs);
  }

  it("commits the task with the transaction, and a worker runs it only then", async () => {
    const { web: dispatching, queue } = await web();
    const transaction = await begin();
    await transaction.query("CREATE TABLE orders (width integer)");
    await transaction.query("INSERT INTO orders VALUES (320)");
    const handle = dispatching.offloader.offload("echo", { width: 320 }, { transaction });
    await handle.durable;
    expect(handle.state).toBe("forwarded");
    expect(await jobsOf(queue)).toBe(0);
    const working = worker(queue);
    await working.offloader.ready();
    expect(working.recorded.filter(({ event }) => event === "started")).toEqual([]);
    await transaction.query("COMMIT");
    expect(await working.event("succeeded")).toMatchObject({ id: handle.id, task: "echo", attempt: 1 });
    expect(await rejection(handle.result())).toMatchObject({ code: "AR_RUN_ELSEWHERE" });
  });

  it("has the statement executed before a COMMIT of the next line", async () => {
    const { web: dispatching, queue } = await web();
    const transaction = await begin();
    dispatching.offloader.offload("echo", 1, { transaction });
    await transaction.query("COMMIT");
    expect(await jobsOf(queue)).toBe(1);
  });

  it("has no task after a rollback, and the journal does not bring it back", async () => {
    const journal = { dir: makeDirectory("transaction") };
    const { web: dispatching, queue } = await web({ journal });
    const transaction = await begin();
    const handle = dispatching.offloader.offload("echo", 1, { transaction });
    await handle.durable;
    await transaction.query("ROLLBACK");
    const report = await dispatching.offloader.close({ timeout: 2_000 });
    expect(report).toMatchObject({ abandoned: [], journaled: 0 });
    const next = watch("tasks.mjs", { name: `next-${queue}`, role: "dispatch", engine: engine(queue), journal });
    await next.offloader.ready();
    const after = next.offloader.offload("echo", 2);
    expect(await next.event("forwarded")).toMatchObject({ id: after.id });
    expect(await jobsOf(queue)).toBe(1);
  });

  it("does not lose a task whose key a rolled back one had", async () => {
    const { web: dispatching, queue } = await web();
    const transaction = await begin();
    const first = dispatching.offloader.offload("echo", 1, { transaction, key: "k" });
    const second = dispatching.offloader.offload("echo", 2, { key: "k" });
    expect(second.id).not.toBe(first.id);
    await first.durable;
    await transaction.query("ROLLBACK");
    await dispatching.event("forwarded", ({ id }) => id === second.id);
    const other = await begin();
    const { rows } = await other.query("SELECT data->>'id' AS id FROM pgboss.job WHERE name = $1", [queue]);
    expect(rows).toEqual([{ id: second.id }]);
  });

  it("fails by id when the database refuses the statement", async () => {
    const { web: dispatching } = await web();
    const transaction = await begin();
    await transaction.query("SELECT 1 / 0").catch(() => {});
    const handle = dispatching.offloader.offload("echo", 1, { transaction });
    expect(await rejection(handle.durable)).toMatchObject({ code: "AR_NOT_FORWARDED" });
    expect(await dispatching.event("failed")).toMatchObject({ id: handle.id });
    expect(handle.state).toBe("failed");
  });

  it("takes a client with executeSql, as pg-boss does", async () => {
    const { web: dispatching, queue } = await web();
    const transaction = await begin();
    const executeSql = (text: string, values: unknown[]) => transaction.query(text, values);
    await dispatching.offloader.offload("echo", 1, { transaction: { executeSql } }).durable;
    await transaction.query("COMMIT");
    expect(await jobsOf(queue)).toBe(1);
  });

  it("says in the log that a task was cancelled too late", async () => {
    const { web: dispatching } = await web();
    const handle = dispatching.offloader.offload("echo", 1, { transaction: { query: () => new Promise(() => {}) } });
    handle.cancel();
    expect(await dispatching.line(/after its statement was given to the transaction/)).toMatchObject({ level: "warn" });
  });
});
