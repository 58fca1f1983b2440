// `offload(name, payload, { transaction })` on a real PostgreSQL: the task is committed with the transaction, and gone with its rollback.
import { pgBoss } from "offload-after-response/pg-boss";
import { Client, Pool } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { jobIdOf } from "../../../src/engine/remote/pg-boss/job.js";
import { makeDirectory } from "../../support/directory.js";
import { rejection, thrownBy, type Watched, watch } from "../../support/offloader.js";
import { hasPostgres, PostgresServer } from "../../support/postgres.js";
import { choiceOf } from "./choice.js";

const directory = makeDirectory("postgres");
let postgres: PostgresServer;
let queues = 0;
let queue: string;
let client: Client;

const engine = () => pgBoss({ connection: postgres.url, queue, pollMs: 50 });
const web = (options: object = {}): Watched =>
  watch("engine.mjs", {
    name: `web-${queues++}`,
    role: "dispatch",
    journal: { dir: makeDirectory("engine") },
    engine: engine(),
    ...options,
  });
const worker = (): Watched =>
  watch("engine.mjs", { name: `worker-${queues++}`, role: "work", pool: { maxThreads: 1 }, engine: engine() });

async function connected(): Promise<Client> {
  const one = new Client(postgres.url);
  await one.connect();
  onTestFinished(() => one.end());
  return one;
}

/** How many jobs of this id there are, as everybody else sees it. */
async function jobs(id: string): Promise<number> {
  const other = await connected();
  return (await other.query("SELECT id FROM pgboss.job WHERE name = $1 AND id = $2", [queue, jobIdOf(id)])).rows.length;
}

describe.runIf(hasPostgres())("a task in a transaction", () => {
  beforeAll(async () => {
    postgres = await PostgresServer.start(directory);
  });
  afterAll(() => postgres.kill());

  beforeEach(async () => {
    queue = `transactions-${queues++}`;
    client = await connected();
    // The engine of whoever comes first makes the schema and the queue.
    const first = web();
    first.offloader.offload("echo", "first");
    await first.event("forwarded");
    await first.offloader.close();
    await client.query("CREATE TABLE IF NOT EXISTS photos (name text)");
  });

  it("runs after the commit, and is forwarded as soon as PostgreSQL has it", async () => {
    const { offloader, event, story } = bound(web());
    await client.query("BEGIN");
    await client.query("INSERT INTO photos VALUES ('cat')");
    const handle = offloader.offload("echo", { photo: "cat" }, { transaction: client, attempts: 3, priority: "high" });
    expect(handle.state).toBe("queued");
    await event("forwarded", ({ id }) => id === handle.id);
    expect(await jobs(handle.id)).toBe(0);
    await client.query("COMMIT");
    expect(await jobs(handle.id)).toBe(1);
    const ended = await worker().event("succeeded", ({ id }) => id === handle.id);
    expect(ended).toMatchObject({ task: "echo", attempt: 1, priority: "high" });
    expect(story(handle.id)).toEqual(["accepted", "queued", "forwarded"]);
    expect(await rejection(handle.result())).toMatchObject({ code: "AR_RUN_ELSEWHERE" });
  });

  it("is gone with the rollback, and no journal brings it back", async () => {
    const journal = { dir: makeDirectory("engine") };
    const before = bound(web({ journal }));
    await client.query("BEGIN");
    const { id } = before.offloader.offload("echo", 1, { transaction: client });
    await before.event("forwarded", (event) => event.id === id);
    await client.query("ROLLBACK");
    await before.offloader.close();
    const after = bound(web({ journal }));
    const { id: last } = after.offloader.offload("echo", 2);
    await after.event("forwarded", (event) => event.id === last);
    expect([await jobs(id), await jobs(last)]).toEqual([0, 1]);
    expect(after.story(id)).toEqual([]);
  });

  it("is taken by what pg-boss takes as `db`, too", async () => {
    const { offloader } = bound(web());
    const db = { executeSql: (text: string, values: unknown[]) => client.query(text, values) };
    const { id, durable } = offloader.offload("echo", 1, { transaction: db });
    await durable;
    expect(await jobs(id)).toBe(1);
  });

  it("whose transaction is broken already fails, by its id", async () => {
    const { offloader, event, recorded } = bound(web());
    await client.query("BEGIN");
    await client.query("SELECT nonsense").catch(() => {});
    const handle = offloader.offload("echo", 1, { transaction: client });
    const { id } = handle;
    expect(await rejection(handle.durable)).toMatchObject({ code: "AR_NOT_FORWARDED" });
    expect((await event("failed", (ended) => ended.id === id)).error).toMatchObject({
      code: "AR_NOT_FORWARDED",
      message: expect.stringMatching(/^task echo \(.*\) did not become a part of the transaction: .*aborted/),
    });
    expect(recorded.filter((ended) => ended.id === id && ended.event === "forwarded")).toEqual([]);
    await client.query("ROLLBACK");
  });

  it("whose key an unfinished one in the database has is no second job", async () => {
    const { offloader, event } = bound(web());
    const first = offloader.offload("echo", 1, { key: "cat" });
    await event("forwarded", ({ id }) => id === first.id);
    await client.query("BEGIN");
    const second = offloader.offload("echo", 2, { key: "cat", transaction: client });
    await event("forwarded", ({ id }) => id === second.id);
    await client.query("COMMIT");
    expect([await jobs(first.id), await jobs(second.id)]).toEqual([1, 0]);
  });

  it("is not cancelled here: its transaction is rolled back instead", async () => {
    const { offloader, event } = bound(web());
    const handle = offloader.offload("echo", 1, { transaction: client });
    expect(handle.cancel()).toBe(false);
    await event("forwarded", ({ id }) => id === handle.id);
  });

  it("is waited for by close()", async () => {
    const { offloader } = bound(web());
    const { id } = offloader.offload("echo", 1, { transaction: client });
    expect((await offloader.close()).abandoned).toEqual([]);
    expect(await jobs(id)).toBe(1);
  });

  it("is refused at the call where it cannot be in the transaction", async () => {
    const { offloader } = bound(web({ policies: { fails: { engine: false } } }));
    const refusal = (call: () => unknown) => thrownBy(call).message;
    const transaction = client;
    expect(refusal(() => offloader.offload("echo", 1, { transaction: {} as never }))).toContain(
      "options of echo: expected transaction to be a client in a transaction, { query(text, values) } or { executeSql(text, values) }, and no pool, got an object",
    );
    expect(refusal(() => offloader.offload("fails", {}, { transaction }))).toBe(
      "options of fails: expected no transaction for a task whose policy is engine: false",
    );
    const pool = new Pool({ connectionString: postgres.url });
    onTestFinished(() => pool.end());
    expect(refusal(() => offloader.offload("echo", 1, { transaction: pool as never }))).toContain("and no pool");
    const { signal } = new AbortController();
    expect(refusal(() => offloader.offload("echo", 1, { transaction, signal }))).toBe(
      "options of echo: expected no transaction beside signal",
    );
    expect(thrownBy(() => offloader.offload("echo", "x".repeat(300_000), { transaction }))).toMatchObject({
      code: "AR_PAYLOAD_TOO_LARGE",
    });
    expect(await rejection(offloader.run("echo", 1, { transaction }))).toMatchObject({
      message: "options of echo: expected no transaction of run(): only offload() is sure to come before the commit",
    });
  });
});

it("a transaction is refused with another engine, and without one", () => {
  const transaction = { query: async () => {} };
  for (const options of [{}, { engine: choiceOf(1, "q"), journal: { dir: makeDirectory("engine") } }]) {
    const { offloader } = watch("engine.mjs", { pool: { minThreads: 0 }, ...options });
    expect(thrownBy(() => offloader.offload("echo", 1, { transaction }))).toMatchObject({
      code: "AR_INVALID_OPTIONS",
      message: "options of echo: expected no transaction without the option engine: pgBoss({ … })",
    });
  }
});

function bound(watched: Watched) {
  const { offloader, recorded } = watched;
  return { offloader, recorded, event: watched.event.bind(watched), story: watched.story.bind(watched) };
}
