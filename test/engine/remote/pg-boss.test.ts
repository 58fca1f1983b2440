// pg-boss on a real PostgreSQL keeps the contract of remote-engine.ts.
import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { pgBoss } from "offload-after-response/pg-boss";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { connect } from "../../../src/engine/remote/pg-boss/client.js";
import { jobIdOf } from "../../../src/engine/remote/pg-boss/job.js";
import { resolvePgBoss } from "../../../src/engine/remote/pg-boss/options.js";
import type { Delivery, RemoteEngine } from "../../../src/engine/remote/remote-engine.js";
import { makeDirectory } from "../../support/directory.js";
import { Gate } from "../../support/gate.js";
import { rejection, thrownBy, type Watched, type WatchedOptions, watch } from "../../support/offloader.js";
import { hasPostgres, PostgresServer } from "../../support/postgres.js";
import { until } from "../../support/until.js";
import { type Closing, endsByItself } from "./closing.js";
import { describeRemoteEngine } from "./conformance.js";

const program = fileURLToPath(new URL("programs/pg-boss-dies.mjs", import.meta.url));
const directory = makeDirectory("postgres");

describe("pgBoss()", () => {
  it.each([
    [{ queue: "q" }, "connection"],
    [{ connection: "postgres://127.0.0.1" }, "queue"],
    [{ connection: "postgres://127.0.0.1", queue: "a b" }, "queue"],
    [{ connection: "postgres://127.0.0.1", queue: "q", schema: "a-b" }, "schema"],
    [{ connection: { query() {} }, queue: "q" }, "connection"],
    [{ connection: "postgres://127.0.0.1", queue: "q", lockMs: 1 }, "lockMs"],
  ])("refuses %j by the name of the option", (options, name) => {
    expect(thrownBy(() => pgBoss(options as never))).toMatchObject({
      code: "AR_INVALID_OPTIONS",
      message: expect.stringContaining(name),
    });
  });
});

describe("the id of a job", () => {
  it("is always the same uuid, and those of one process are in the order of its tasks", () => {
    const ids = ["1f-0", "1f-9", "1f-a", "1f-10", "1f-zz"].map(jobIdOf);
    expect(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(true);
    expect(ids.toSorted()).toEqual(ids);
    expect(jobIdOf("1f-a")).toBe(ids[2]);
  });

  it("is another one for each id", () => {
    const ids = ["a-1", "a-01", "b-1", "a-1-", "a-1-1", "a", "a-", "-a", "a-0", "1", "a-A", ""];
    expect(new Set(ids.map(jobIdOf)).size).toBe(ids.length);
  });
});

describe.runIf(hasPostgres())("on PostgreSQL", () => {
  let postgres: PostgresServer;
  const optionsOf = (queue: string) => resolvePgBoss({ connection: postgres.url, queue, lockMs: 3_000, pollMs: 100 });

  beforeAll(async () => {
    postgres = await PostgresServer.start(directory);
  });
  afterAll(() => postgres.kill());

  /** The jobs of a queue, and the ids of their tasks. */
  async function tasksOf(queue: string): Promise<readonly string[]> {
    const client = new Client(postgres.url);
    await client.connect();
    const { rows } = await client.query("SELECT data->>'id' AS id FROM pgboss.job WHERE name = $1", [queue]);
    await client.end();
    return rows.map(({ id }) => String(id));
  }

  async function rowOf(text: string): Promise<Readonly<Record<string, unknown>>> {
    const client = new Client(postgres.url);
    await client.connect();
    const { rows } = await client.query(text);
    await client.end();
    return rows[0];
  }

  /** How many connections listen for what is given back, and have begun since then. */
  async function listening(since: string): Promise<number> {
    const { count } = await rowOf(
      `SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN offload_%' AND query_start > '${since}'`,
    );
    return Number(count);
  }

  let offloaders = 0;
  function settings(queue: string, role: "dispatch" | "work" | "both"): WatchedOptions {
    const engine = pgBoss({ connection: postgres.url, queue, lockMs: 3_000, pollMs: 100 });
    return { name: `${queue}-${role}-${offloaders++}`, role, engine, journal: { dir: makeDirectory("pg-boss") } };
  }
  const start = (queue: string, role: "dispatch" | "work" | "both", options: WatchedOptions = {}): Watched =>
    watch("tasks.mjs", { ...settings(queue, role), ...options });

  it("runs on another process's threads what a web process has dispatched, and its journal is the outbox", async () => {
    const web = start("photos", "dispatch");
    const handle = web.offloader.offload("echo", { photo: 1 }, { priority: "high" });
    expect(handle.state).toBe("queued");
    expect((await web.event("forwarded")).id).toBe(handle.id);
    expect(await rejection(handle.result())).toMatchObject({ code: "AR_RUN_ELSEWHERE" });
    const worker = start("photos", "work");
    expect(await worker.event("succeeded")).toMatchObject({ id: handle.id, task: "echo", attempt: 1 });
    expect(web.offloader.stats().engine).toMatchObject({ name: "pg-boss", up: true, backlog: 0 });
  });

  it.each([
    ["dead", () => postgres.kill(), () => postgres.up()],
    ["frozen", async () => postgres.freeze(), async () => postgres.thaw()],
  ])("forwards all of it once a PostgreSQL that was %s is back", { timeout: 60_000 }, async (state, begin, end) => {
    const web = start(`outage-${state}`, "both", { pool: { maxThreads: 1 } });
    web.offloader.offload("echo", "first");
    await web.event("forwarded");
    await begin();
    const handles = Array.from({ length: 50 }, (_, n) => web.offloader.offload("echo", n));
    expect(handles.every((handle) => handle.state === "queued")).toBe(true);
    await web.line(/cannot be reached/);
    await end();
    await web.events("succeeded", 51);
    const succeeded = web.recorded.filter(({ event }) => event === "succeeded").map(({ id }) => id);
    expect(new Set(succeeded).size).toBe(51);
    const kept = await tasksOf(`outage-${state}`);
    expect(kept.length).toBe(51);
    expect(new Set(kept)).toEqual(new Set(succeeded));
  });

  it.each([
    ["at once, though it looks every minute", undefined],
    ["also with one connection, when it looks again", 1],
  ])("wakes another worker for what is given back, %s", async (what, max) => {
    const queue = `given-back-${max ?? "many"}`;
    const connection = max === undefined ? postgres.url : { connectionString: postgres.url, max };
    const options = { connection, queue, pollMs: max === undefined ? 60_000 : 100 };
    const up = async (): Promise<RemoteEngine> => {
      const made = connect(resolvePgBoss(options));
      onTestFinished(() => made.close(2_000));
      await new Promise<void>((resolve) => made.open({ state: (isUp) => isUp && resolve() }));
      return made;
    };
    const since = String((await rowOf("SELECT now()::text AS now")).now);
    const body = { v: 1, enc: "json", payload: what } as const;
    const task = { id: "given-1", name: "echo", body, priority: 2, attempts: 1, acceptedAt: Date.now() } as const;
    const [one, other] = [await up(), await up()];
    await one.submit([task], AbortSignal.timeout(20_000));
    const delivery = await new Promise<Delivery>((resolve) => one.consume(resolve).grant(1));
    const elsewhere = new Promise<Delivery>((resolve) => other.consume(resolve).grant(1));
    // It has looked in vain, and listens.
    while (max === undefined && (await listening(since)) < 2) await sleep(10);
    await delivery.settle({ as: "returned", delayMs: 0 });
    expect((await elsewhere).task.id).toBe("given-1");
  });

  it("gives back at the deadline what is unfinished, and another worker has it with no attempt counted", async () => {
    const gate = new Gate();
    const pool = { maxThreads: 1, abortGrace: 10_000, workerData: { gate: gate.memory } };
    const web = watch("engine.mjs", { ...settings("hand-back", "dispatch"), pool });
    const worker = watch("engine.mjs", { ...settings("hand-back", "work"), pool });
    const { id } = web.offloader.offload("goesOn", 1);
    await worker.event("started");
    const closing = worker.offloader.close({ timeout: 1_000 });
    const other = watch("engine.mjs", { ...settings("hand-back", "work"), pool });
    expect(await other.event("started")).toMatchObject({ id, attempt: 1 });
    gate.open();
    expect(await closing).toMatchObject({ abandoned: [] });
    expect(await other.event("succeeded")).toMatchObject({ id, attempt: 1 });
  });

  it("tries a task again as the worker decides, and keeps what has failed for good", async () => {
    const worker = start("ends", "work");
    const web = start("ends", "dispatch");
    const { id } = web.offloader.offload("fails", {}, { attempts: 2, backoff: 10 });
    expect(await worker.event("failed")).toMatchObject({ id, attempt: 2 });
    await until(() => web.offloader.stats().engine?.failed === 1, "the count of failures");
    const query = { place: "engine" } as const;
    expect(await web.offloader.deadLetters.list(query)).toMatchObject([{ id, task: "fails", attempts: 2 }]);
    expect(await web.offloader.deadLetters.elsewhere.discard(id)).toBe(true);
    expect(await web.offloader.deadLetters.list(query)).toEqual([]);
  });

  it("has a task whose name a worker does not know wait for one that knows it", async () => {
    const old = start("rolling", "work");
    await old.offloader.ready();
    const web = watch("engine.mjs", settings("rolling", "dispatch"));
    const { id } = web.offloader.offload("givesUp", 1);
    await until(() => web.offloader.stats().engine?.delayed === 1, "the task to be given back");
    await old.offloader.close();
    const knows = watch("engine.mjs", settings("rolling", "work"));
    expect(await knows.event("failed")).toMatchObject({ id, attempt: 1 });
  });

  it.each<[string, Omit<Closing, "queue">]>([
    ["a paused backlog", { role: "dispatch", backlog: 10_000, paused: true, timeout: 500 }],
    ["a running task", { role: "both", running: true, timeout: 200, exits: true }],
    ["a backlog and no time", { role: "both", backlog: 1_000, timeout: 0, exits: true }],
  ])("ends by itself with %s and a frozen PostgreSQL", { timeout: 30_000 }, async (title, closing) => {
    const queue = `ends-${title.replaceAll(" ", "-")}`;
    try {
      await endsByItself({ connection: postgres.url, queue, ...closing }, () => postgres.freeze());
    } finally {
      postgres.thaw();
    }
  });

  describeRemoteEngine("pg-boss", (queue) => connect(optionsOf(queue)), {
    async dieWithTask(queue) {
      const child = fork(program, [JSON.stringify(optionsOf(queue))]);
      await once(child, "exit");
    },
    /** As another worker that fetches it. */
    async loseLock(queue, id) {
      const client = new Client(postgres.url);
      await client.connect();
      const text = "UPDATE pgboss.job SET retry_count = retry_count + 1 WHERE name = $1 AND id = $2";
      await client.query(text, [queue, jobIdOf(id)]);
      await client.end();
    },
    kill: () => postgres.kill(),
    restart: () => postgres.up(),
    freeze: async () => postgres.freeze(),
    thaw: async () => postgres.thaw(),
    locksEnd: true,
    poison: { name: "a\0b" },
  });
});
