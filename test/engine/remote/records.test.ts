// Of a task on record, the engine's thread is told where the record is and reads it itself. Where it cannot, the content is sent. Both
// ends are here without the thread between them, so that a test can move records while they are under way.
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { errorOf } from "../../../src/core/lazy-error.js";
import type { Task } from "../../../src/core/task.js";
import type { EngineHost } from "../../../src/engine/engine.js";
import { Outbox } from "../../../src/engine/remote/outbox.js";
import type { FromEngine, ToEngine } from "../../../src/engine/remote/protocol.js";
import type { EngineTask, RemoteEngine } from "../../../src/engine/remote/remote-engine.js";
import { EngineService } from "../../../src/engine/remote/thread/service.js";
import { JournalStore } from "../../../src/journal/journal-store.js";
import type { KeptContent, KeptRecord } from "../../../src/store/store.js";
import { makeDirectory } from "../../support/directory.js";
import { makeTask, recordingLogger } from "../../support/tasks.js";
import { until } from "../../support/until.js";

/** An outbox over a journal, and what the engine's thread would run. */
class Pair {
  readonly forwarded: Task[] = [];
  readonly failed: [Task, unknown][] = [];
  /** The tasks that the queue has been given. */
  readonly taken: EngineTask[] = [];
  /** The kinds of messages that came from the main thread. */
  readonly sent: ToEngine["kind"][] = [];
  /** Called with each message before the other side gets it. */
  underWay: () => void = () => {};
  /** Tasks of which the thread is told a wrong place. */
  misplaced: (record: KeptRecord) => KeptRecord = (record) => record;
  unreadable = new Set<Task>();
  readonly outbox: Outbox;
  readonly #store: JournalStore;
  readonly #service: EngineService;

  constructor() {
    const { logger } = recordingLogger();
    this.#store = new JournalStore(
      { dir: path.join(makeDirectory("records"), "journal") },
      { logger, hasRoom: () => true },
    );
    const client: Partial<RemoteEngine> = {
      open: (events) => events.state(true),
      submit: async (batch) => {
        this.taken.push(...batch);
        return batch.map(() => ({ ok: true }));
      },
    };
    this.#service = new EngineService(client as RemoteEngine, (message) => this.#receive(message));
    this.outbox = new Outbox({
      engine: "test",
      logger,
      store: {
        holdsPayloads: true,
        contentOf: (task) => this.#contentOf(task),
        recordOf: (task) => this.#recordOf(task),
      },
      thread: {
        isThere: true,
        need: () => {},
        ask: () => Promise.reject(new Error("no")),
        post: (message) => this.#post(message),
      },
    });
    const host: Partial<EngineHost> = {
      together: (report) => report(),
      shed: () => {},
      started: () => {},
      handedOver: (task) => void this.forwarded.push(task),
      failed: (task, error) => void this.failed.push([task, errorOf(error)]),
    };
    this.outbox.start(host as EngineHost);
    this.#service.open();
  }

  async close(): Promise<void> {
    await this.#store.close();
  }

  accept(payload: unknown): Task {
    const task = makeTask(undefined, { attempts: 3 });
    this.#store.accept(task, payload, undefined);
    const from = task.state;
    task.state = "queued";
    this.#store.moved(task, from);
    this.outbox.add(task);
    return task;
  }

  async settled(count: number): Promise<void> {
    await until(() => this.forwarded.length + this.failed.length >= count, `${count} answers`);
  }

  #contentOf(task: Task): KeptContent {
    if (this.unreadable.has(task)) throw new Error("EIO: i/o error, read");
    return this.#store.contentOf(task);
  }

  #recordOf(task: Task): KeptRecord | undefined {
    const record = this.#store.recordOf(task);
    return record && this.misplaced(record);
  }

  #post(message: ToEngine): void {
    this.sent.push(message.kind);
    const arrived = structuredClone(message);
    setImmediate(() => {
      this.underWay();
      void this.#service.receive(arrived);
    });
  }

  #receive(message: FromEngine): void {
    if (message.kind === "forwarded") this.outbox.forwarded(message.seqs);
    else if (message.kind === "refused") this.outbox.refused(message.seq, message.error);
    else if (message.kind === "unread") this.outbox.unread(message.seqs);
  }
}

let pair: Pair;

beforeEach(() => {
  pair = new Pair();
});

afterEach(() => pair.close());

const payloadsOf = (tasks: readonly EngineTask[]): unknown[] =>
  tasks.map(({ body }) => body.enc === "json" && body.payload);

it("are read by the thread", async () => {
  const tasks = [pair.accept(1), pair.accept({ text: "x".repeat(100_000) }), pair.accept("three")];
  await pair.settled(3);
  expect(pair.sent).toEqual(["forward-records"]);
  expect(pair.taken).toMatchObject(tasks.map(({ id, definition }) => ({ id, name: definition.name, attempts: 3 })));
  expect(payloadsOf(pair.taken)).toEqual([1, { text: "x".repeat(100_000) }, "three"]);
  expect(pair.forwarded).toEqual(tasks);
});

it.each<[string, (record: KeptRecord) => KeptRecord]>([
  ["in a file that is gone", (record) => ({ ...record, path: `${record.path}.gone` })],
  ["at another place of the file", (record) => ({ ...record, offset: record.offset + 1 })],
  ["behind the end of the file", (record) => ({ ...record, offset: record.offset + 1e9 })],
  ["in the place of another task's", (record) => ({ ...record, id: `${record.id}0` })],
])("%s are sent", async (_where, elsewhere) => {
  let index = 0;
  pair.misplaced = (record) => (index++ % 2 === 0 ? record : elsewhere(record));
  const tasks = Array.from({ length: 20 }, (_, payload) => pair.accept(payload));
  await pair.settled(20);
  expect(pair.sent).toEqual(["forward-records", "forward"]);
  expect(pair.forwarded).toHaveLength(20);
  expect(new Set(pair.forwarded)).toEqual(new Set(tasks));
  const [evens, odds] = [0, 1].map((rest) => Array.from({ length: 10 }, (_, half) => 2 * half + rest));
  expect(payloadsOf(pair.taken)).toEqual([...(evens ?? []), ...(odds ?? [])]);
  expect(pair.outbox.backlog).toBe(0);
});

it("of a task that ended in the meantime are not sent", async () => {
  pair.misplaced = (record) => ({ ...record, path: `${record.path}.gone` });
  const [gone, other] = [pair.accept("gone"), pair.accept("other")];
  pair.underWay = () => {
    pair.underWay = () => {};
    pair.outbox.remove(gone);
  };
  await pair.settled(1);
  expect(pair.forwarded).toEqual([other]);
  expect(payloadsOf(pair.taken)).toEqual(["other"]);
  expect(pair.outbox.backlog).toBe(0);
});

it("that nobody can read fail their task alone", async () => {
  pair.misplaced = (record) => ({ ...record, path: `${record.path}.gone` });
  const [lost, other] = [pair.accept("lost"), pair.accept("other")];
  pair.unreadable.add(lost);
  await pair.settled(2);
  expect(pair.failed).toMatchObject([[lost, { message: expect.stringContaining("EIO") }]]);
  expect(pair.forwarded).toEqual([other]);
  expect(pair.outbox.backlog).toBe(0);
});
