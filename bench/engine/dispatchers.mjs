// The ways to hand a task over that are compared: `plain` and `plainPostgres` use the broker's own library and do not wait, the others
// dispatch. `none` does nothing, `raw` what no outbox can do without: the task goes into a file, and a thread is told of it. `byHand` is
// the least that keeps count of the tasks as well.
import { openSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { createOffloader } from "offload-after-response";
import { bullmq } from "offload-after-response/bullmq";
import { pgBoss } from "offload-after-response/pg-boss";

/** ms between two looks whether all is done, which cost CPU themselves. */
const looks = 50;

export const dispatchers = {
  none: async () => ({ dispatch: () => {}, settled: async () => {} }),

  async raw({ journal }) {
    const file = openSync(journal, "ax");
    const answers =
      'const { parentPort } = require("node:worker_threads"); parentPort.on("message", (seqs) => parentPort.postMessage(seqs));';
    const thread = new Worker(answers, { eval: true });
    let underWay = 0;
    const seqs = [];
    thread.on("message", ({ length }) => {
      underWay -= length;
    });
    const send = () => thread.postMessage(seqs.splice(0));
    return {
      dispatch(name, payload) {
        writeSync(file, Buffer.from(JSON.stringify({ name, payload })));
        // As often as the outbox.
        if (seqs.push(underWay++) === 1) setTimeout(send, 5);
      },
      async settled() {
        while (underWay > 0) await sleep(looks);
      },
    };
  },

  /**
   * `raw`, and each task has an id, a state and times, its record has a checksum, the thread answers with the ids that the broker has,
   * and these are written down, so that the next process forwards only the others. There is no limit, priority, key, timeout, event,
   * stats, drain, and no file is ever let go.
   */
  async byHand({ journal }) {
    const file = openSync(journal, "ax");
    const answers =
      'const { parentPort } = require("node:worker_threads"); parentPort.on("message", (ids) => parentPort.postMessage(ids));';
    const thread = new Worker(answers, { eval: true });
    const unfinished = new Map();
    const unsent = [];
    let ids = 0;
    thread.on("message", (forwarded) => {
      const endedAt = performance.now();
      const ends = [];
      for (const id of forwarded) {
        const task = unfinished.get(id);
        unfinished.delete(id);
        task.state = "forwarded";
        task.endedAt = endedAt;
        task.resolve(id);
        ends.push(id);
      }
      writeRecord(file, { ends });
    });
    const send = () => {
      const sentAt = performance.now();
      for (const id of unsent) {
        const task = unfinished.get(id);
        task.state = "sent";
        task.sentAt = sentAt;
      }
      thread.postMessage(unsent.splice(0));
    };
    return {
      dispatch(name, payload) {
        const id = `bench-${ids++}`;
        const task = {
          id,
          name,
          state: "accepted",
          acceptedAt: performance.now(),
          sentAt: 0,
          endedAt: 0,
          resolve: undefined,
        };
        const handed = new Promise((resolve) => {
          task.resolve = resolve;
        });
        unfinished.set(id, task);
        writeRecord(file, { id, name, payload, at: Date.now() });
        if (unsent.push(id) === 1) setTimeout(send, 5);
        return handed;
      },
      async settled() {
        while (unfinished.size > 0) await sleep(looks);
      },
    };
  },

  async plain({ connection, queue }) {
    const { Queue } = await import("bullmq");
    const url = new URL(connection);
    const plainQueue = new Queue(queue, { connection: { host: url.hostname, port: Number(url.port) } });
    plainQueue.on("error", () => {});
    await plainQueue.waitUntilReady();
    return unawaited((name, payload) => plainQueue.add(name, payload, { removeOnComplete: { age: 300 } }));
  },

  async plainPostgres({ connection, queue }) {
    const { default: PgBoss } = await import("pg-boss");
    const boss = new PgBoss(connection);
    boss.on("error", () => {});
    await boss.start();
    await boss.createQueue(queue);
    return unawaited((_name, payload) => boss.send(queue, payload));
  },

  ours: ({ connection, ...settings }) => offloading(bullmq({ connection, queue: settings.queue }), settings),

  oursPostgres: ({ connection, ...settings }) => offloading(pgBoss({ connection, queue: settings.queue }), settings),
};

/** Its length and checksum first: a record that a crash has cut short is known by them. */
function writeRecord(file, record) {
  const bytes = Buffer.from(`00000000${JSON.stringify(record)}`);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt32LE(checksum(bytes, 8), 4);
  writeSync(file, bytes);
}

/** FNV-1a: Node.js 20 has no CRC-32 of its own. */
function checksum(bytes, from) {
  let sum = 0x811c9dc5;
  for (let index = from; index < bytes.length; index++) sum = Math.imul(sum ^ bytes[index], 0x01000193);
  return sum >>> 0;
}

/** As whoever does not wait for the broker: with a count of what is under way. */
function unawaited(send) {
  let underWay = 0;
  return {
    dispatch(name, payload) {
      underWay++;
      const ended = () => void underWay--;
      send(name, payload).then(ended, ended);
    },
    async settled() {
      while (underWay > 0) await sleep(looks);
    },
  };
}

async function offloading(engine, { queue, journal }) {
  const offloader = createOffloader({
    name: queue,
    tasks: new URL("tasks.mjs", import.meta.url),
    pool: { maxThreads: 1 },
    queue: { max: 1_000_000 },
    journal: { dir: journal },
    engine,
    role: "dispatch",
    logger: false,
  });
  await offloader.ready();
  while (offloader.stats().engine?.up !== true) await sleep(10);
  return {
    dispatch: (name, payload) => void offloader.offload(name, payload),
    async settled() {
      while (offloader.stats().engine?.backlog !== 0) await sleep(looks);
    },
  };
}
