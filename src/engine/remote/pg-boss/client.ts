// The client of pg-boss, in the thread of the engine. pg-boss makes its schema and the queue, and hands out jobs; its timers are off.
import { inTime } from "../../../base/time.js";
import type {
  Consumer,
  Delivery,
  EngineCounts,
  EngineTask,
  Receipt,
  RemoteEngine,
  RemoteEngineEvents,
} from "../remote-engine.js";
import { aborted } from "../thread/aborted.js";
import { Heartbeat } from "../thread/heartbeat.js";
import { Connections, type RunSql } from "./connections.js";
import { PgBossConsumer } from "./consumer.js";
import { Doorbell } from "./doorbell.js";
import { type FailedJob, type FetchedJob, failureOf, jobIdOf, toJob } from "./job.js";
import { Leases } from "./leases.js";
import type { ResolvedPgBossOptions } from "./options.js";
import { isGivenBack, Settlements } from "./settlements.js";
import { type Statements, statements } from "./statements.js";

/** Of pg-boss 10 and of 12. */
interface Boss {
  on(event: "error", listener: (error: Error) => void): unknown;
  start(): Promise<unknown>;
  stop(options: { graceful: boolean; close: boolean }): Promise<void>;
  createQueue(name: string): Promise<void>;
  fetch(name: string, options: object): Promise<FetchedJob[]>;
}

/** How long PostgreSQL may take at the end, in ms: for a fetch that is under way, and for each of the two steps that follow. */
const fetchPatience = 1_000;
const endPatience = 500;

type BossClass = new (options: object) => Boss;

/** Called in the thread of the engine. */
export function connect(options: ResolvedPgBossOptions): RemoteEngine {
  return new PgBossEngine(options);
}

class PgBossEngine implements RemoteEngine {
  readonly #connections: Connections;
  readonly #doorbell: Doorbell;
  readonly #sql: Statements;
  readonly #heartbeat: Heartbeat;
  readonly #consumers = new Set<PgBossConsumer>();
  #boss: Promise<Boss> | undefined;
  #closed: Promise<void> | undefined;

  constructor(private readonly options: ResolvedPgBossOptions) {
    this.#connections = new Connections(options.connection);
    this.#doorbell = new Doorbell(this.#connections, options.schema, options.queue);
    this.#sql = statements(options.schema);
    this.#heartbeat = new Heartbeat(async () => {
      await this.#started();
      await this.#connections.run("SELECT 1");
    });
  }

  open(events: RemoteEngineEvents): void {
    this.#heartbeat.start(events);
  }

  async submit(batch: readonly EngineTask[], signal: AbortSignal): Promise<readonly Receipt[]> {
    const given = this.#submit(batch);
    given.catch(() => this.#heartbeat.hurry());
    return Promise.race([given, aborted(signal)]);
  }

  consume(deliver: (delivery: Delivery) => void): Consumer {
    const { lockMs, pollMs, keepSucceededMs } = this.options;
    const leases = new Leases({
      lockMs,
      renew: (running) => this.#run(this.#sql.renew, JSON.stringify(running)),
      tidy: async () => {
        await this.#run(this.#sql.expire, lockMs);
        await this.#run(this.#sql.sweep, keepSucceededMs);
      },
    });
    const settlements = new Settlements(async (rows) => {
      const changed = await this.#run(this.#sql.settle, JSON.stringify(rows));
      if (rows.some(isGivenBack)) await this.#doorbell.ring();
      return changed;
    });
    const fetch = (most: number): Promise<FetchedJob[]> => this.#fetch(most);
    const consumer = new PgBossConsumer({ pollMs, fetch, settlements, leases, deliver });
    this.#consumers.add(consumer);
    void this.#doorbell.listen(() => consumer.look());
    return consumer;
  }

  async remove(id: string): Promise<"removed" | "running" | "unknown"> {
    const [found] = await this.#run(this.#sql.remove, jobIdOf(id));
    if (found === undefined) return "unknown";
    return found.removed === true ? "removed" : "running";
  }

  async counts(): Promise<EngineCounts> {
    const [counted = {}] = await this.#run(this.#sql.counts);
    const { waiting, delayed, running, failed } = counted;
    return { waiting: Number(waiting), delayed: Number(delayed), running: Number(running), failed: Number(failed) };
  }

  readonly failures = {
    list: async (limit: number) =>
      (await this.#run(this.#sql.failures, limit)).map((row) => failureOf(row as unknown as FailedJob)),
    retry: async (id: string) => (await this.#run(this.#sql.retry, jobIdOf(id))).length > 0,
    discard: async (id: string) => (await this.#run(this.#sql.discard, jobIdOf(id))).length > 0,
  };

  close(deadlineMs: number): Promise<void> {
    this.#closed ??= this.#close(deadlineMs);
    return this.#closed;
  }

  async #close(deadlineMs: number): Promise<void> {
    this.#heartbeat.stop();
    this.#doorbell.close();
    const time = Math.min(deadlineMs / 2, fetchPatience);
    await Promise.all([...this.#consumers].map((consumer) => consumer.close(time)));
    const stopped = this.#boss?.then((boss) => boss.stop({ graceful: false, close: false })).catch(() => {});
    await inTime(stopped ?? Promise.resolve(), Math.min(deadlineMs / 5, endPatience));
    await this.#connections.close(Math.min(deadlineMs / 5, endPatience));
  }

  async #submit(batch: readonly EngineTask[]): Promise<readonly Receipt[]> {
    await this.#started();
    const jobs = batch.map(toJob);
    try {
      const inserted = new Set((await this.#run(this.#sql.insert, JSON.stringify(jobs))).map(({ id }) => id));
      for (const consumer of this.#consumers) consumer.look();
      const others = jobs.filter(({ id }) => !inserted.has(id));
      if (others.length === 0) return jobs.map(() => ({ ok: true }));
      const ids = others.map(({ id }) => id);
      const keys = others.flatMap(({ key }) => key ?? []);
      const found = await this.#run(this.#sql.find, ids, keys);
      const known = new Set([...inserted, ...found.map(({ id }) => id)]);
      const byKey = new Map(found.map(({ key, task }) => [key, String(task)]));
      return jobs.map(({ id, key }): Receipt => {
        if (known.has(id)) return { ok: true };
        const duplicateOf = byKey.get(key);
        if (key !== undefined && duplicateOf !== undefined) return { ok: true, duplicateOf };
        // What was in its way has ended in between.
        return { ok: false, permanent: false, error: new Error("the job was not inserted") };
      });
    } catch (error) {
      if (batch.length > 1 || !isOfTheData(error)) throw error;
      return [{ ok: false, permanent: true, error }];
    }
  }

  #fetch(batchSize: number): Promise<FetchedJob[]> {
    // In a transaction, because a fetch whose answer gets lost would have to count as the death of a worker.
    return this.#started().then((boss) =>
      this.#connections.transaction(async (run) => {
        let failure: unknown;
        const executeSql: RunSql = (text, values) =>
          run(text, values).catch((error: unknown) => {
            // pg-boss 10 swallows it.
            failure = error;
            throw error;
          });
        const jobs = await boss.fetch(this.options.queue, { batchSize, includeMetadata: true, db: { executeSql } });
        if (failure !== undefined) throw failure;
        return jobs.sort(inOrder);
      }),
    );
  }

  async #run(text: string, ...values: readonly unknown[]) {
    return (await this.#connections.run(text, [this.options.queue, ...values])).rows;
  }

  /** pg-boss with its schema and the queue. Tried again at the next use if it fails. */
  #started(): Promise<Boss> {
    this.#boss ??= this.#start().catch((error: unknown) => {
      this.#boss = undefined;
      throw error;
    });
    return this.#boss;
  }

  async #start(): Promise<Boss> {
    const loaded: { readonly PgBoss?: BossClass; readonly default?: unknown } = await import("pg-boss");
    const PgBoss = loaded.PgBoss ?? (loaded.default as BossClass);
    const { queue, schema } = this.options;
    const db = { executeSql: this.#connections.run };
    const boss = new PgBoss({ db, schema, supervise: false, schedule: false });
    boss.on("error", () => {});
    await boss.start();
    await boss.createQueue(queue);
    return boss;
  }
}

/** The database returns the rows of one statement in any order. */
function inOrder(a: FetchedJob, b: FetchedJob): number {
  return b.priority - a.priority || a.createdOn.getTime() - b.createdOn.getTime() || (a.id < b.id ? -1 : 1);
}

/** Classes of SQLSTATE: data exceptions, and limits that a statement exceeds. No other one will take it either. */
function isOfTheData(error: unknown): error is Error {
  return error instanceof Error && "code" in error && /^(22|54)/.test(String(error.code));
}
