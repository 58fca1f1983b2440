// pg-boss on a real PostgreSQL keeps the contract of remote-engine.ts.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { pgBoss } from "offload-after-response/pg-boss";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect } from "../../../src/engine/remote/pg-boss/client.js";
import { jobIdOf } from "../../../src/engine/remote/pg-boss/job.js";
import { resolvePgBoss } from "../../../src/engine/remote/pg-boss/options.js";
import { makeDirectory } from "../../support/directory.js";
import { thrownBy } from "../../support/offloader.js";
import { hasPostgres, PostgresServer } from "../../support/postgres.js";
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
    poison: { name: "a\0b" },
  });
});
