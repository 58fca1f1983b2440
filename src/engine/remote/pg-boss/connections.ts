// The connections to PostgreSQL. What it does not answer ends in time, and a connection that has failed is not used again.
import { Socket } from "node:net";
import { Pool, type PoolClient } from "pg";
import { deferred } from "../../../base/deferred.js";
import { inTime } from "../../../base/time.js";

export type Rows = readonly Readonly<Record<string, unknown>>[];
export type RunSql = (text: string, values?: readonly unknown[]) => Promise<{ readonly rows: Rows }>;

/** It may be frozen. In ms. */
const patience = 5_000;
const most = 4;

export class Connections {
  readonly #pool: Pool;
  readonly #sockets = new Set<Socket>();

  constructor(connection: string | Readonly<Record<string, unknown>>) {
    this.#pool = new Pool({
      max: most,
      application_name: "offload-after-response",
      keepAlive: true,
      // For the connection that only listens: of a peer that is gone, nothing else tells.
      keepAliveInitialDelayMillis: 10_000,
      connectionTimeoutMillis: patience,
      ...(typeof connection === "string" ? { connectionString: connection } : connection),
      stream: () => this.#socket(),
    });
    // Told by the heartbeat.
    this.#pool.on("error", () => {});
    this.#pool.on("connect", (client) => client.on("error", () => {}));
  }

  readonly run: RunSql = (text, values) => this.#use((client) => query(client, text, values));

  /** What fails, or is not answered, is rolled back: also the work of a statement whose answer gets lost. */
  transaction<Result>(work: (run: RunSql) => Promise<Result>): Promise<Result> {
    return this.#use(async (client) => {
      await client.query("BEGIN");
      const result = await work((text, values) => query(client, text, values));
      await client.query("COMMIT");
      return result;
    });
  }

  /**
   * Keeps a connection for what is notified, if there are others. Ends when it breaks, or with the signal.
   *
   * @param channel a name that needs no quotes
   */
  async listen(channel: string, onNotice: () => void, signal: AbortSignal): Promise<void> {
    if (this.#pool.options.max < 2) return;
    const client = await this.#pool.connect();
    const broken = deferred();
    const end = (): void => broken.resolve();
    try {
      client.on("notification", onNotice);
      client.on("error", end);
      client.on("end", end);
      signal.addEventListener("abort", end);
      if (signal.aborted) return;
      const listening = client.query(`LISTEN ${channel}`);
      listening.catch(() => {});
      if (await inTime(Promise.race([listening, broken.promise]), patience)) await broken.promise;
    } finally {
      signal.removeEventListener("abort", end);
      client.release(true);
    }
  }

  async close(deadlineMs: number): Promise<void> {
    await inTime(this.#pool.end(), deadlineMs);
    for (const socket of this.#sockets) socket.destroy();
  }

  async #use<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> {
    const client = await this.#pool.connect();
    let isSound = false;
    try {
      const working = work(client);
      working.catch(() => {});
      if (!(await inTime(working, patience))) throw new Error(`PostgreSQL did not answer within ${patience} ms`);
      const result = await working;
      isSound = true;
      return result;
    } finally {
      client.release(!isSound);
    }
  }

  #socket(): Socket {
    const socket = new Socket();
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    return socket;
  }
}

function query(client: PoolClient, text: string, values?: readonly unknown[]): Promise<{ readonly rows: Rows }> {
  // pg-boss makes its schema with several statements in one text, which can have no values.
  return values === undefined ? client.query(text) : client.query(text, [...values]);
}
