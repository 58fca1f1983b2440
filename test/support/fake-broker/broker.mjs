// A broker that exists for tests: a TCP server with queues in memory, whose clients (client.mjs) are in any thread or process. It
// suffers on command what a real one suffers.
import net from "node:net";

/**
 * @typedef {import("../../../src/engine/remote/remote-engine.js").EngineTask} EngineTask
 * @typedef {{ task: EngineTask, seq: number, attempt: number, crashes: number, state: "waiting" | "delayed" | "running" | "failed", due: number,
 *   owner: object | undefined, reason?: string, error?: string, failedAt?: number }} Job
 */

/** How long it takes until a death is noticed, in ms. */
const noticeMs = 100;

export class FakeBroker {
  /** What is wrong with it: every change of a task is refused with this message. */
  refusal = undefined;
  /** Names of tasks that it refuses for good. With `rudely`, it rejects every batch that has one, and a batch of that one alone. */
  refused = new Set();
  rudely = false;
  /** Every submission: the ids of its tasks. */
  submissions = [];
  /** How often each id was delivered. */
  delivered = new Map();
  /** How each delivery was settled: id and verdict. */
  settled = [];
  /** What each client that said goodbye had for its end, in ms. */
  byes = [];
  /** What it does and does not answer, such as "submit". */
  silent = new Set();
  /** ms before an answer. */
  slowness = 0;
  #queues = new Map();
  #sockets = new Set();
  #frozen = undefined;
  #server = undefined;
  #seq = 0;
  #timer = undefined;
  port = 0;

  static async start() {
    const broker = new FakeBroker();
    await broker.up();
    return broker;
  }

  /** Listens, on the same port as before. */
  async up() {
    if (this.#server !== undefined) return;
    const server = net.createServer((socket) => this.#serve(socket));
    await new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.port, "127.0.0.1", resolve);
    });
    this.port = server.address().port;
    this.#server = server;
  }

  /** Dies. What was running is given out again when it is back. */
  async down() {
    const server = this.#server;
    this.#server = undefined;
    this.#frozen = undefined;
    for (const socket of this.#sockets) socket.destroy();
    clearTimeout(this.#timer);
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
  }

  /** Keeps its connections and answers nothing, until `thaw`. */
  freeze() {
    this.#frozen ??= [];
  }

  thaw() {
    const missed = this.#frozen ?? [];
    this.#frozen = undefined;
    for (const act of missed) act();
  }

  /** Has whoever runs the task lose its lock. */
  loseLock(queue, id) {
    const job = this.#queue(queue).jobs.get(id);
    if (job?.state !== "running") throw new Error(`${id} does not run`);
    job.owner.send({ kind: "lost", id });
    job.owner.running.delete(job);
    job.state = "waiting";
    this.#serveAll(queue);
  }

  /** The state of a task; undefined if it is not there. */
  stateOf(queue, id) {
    return this.#queue(queue).jobs.get(id)?.state;
  }

  /** The tasks of a queue, in the order of their submission. */
  tasks(queue) {
    return [...this.#queue(queue).jobs.values()].map(({ task }) => task);
  }

  /** How many tasks the workers of a queue may still be given. */
  credits(queue) {
    return [...this.#queue(queue).consumers].reduce((sum, { credits }) => sum + credits, 0);
  }

  /** The most that this has been so far. */
  mostCredits(queue) {
    return this.#queue(queue).mostCredits;
  }

  #queue(name) {
    const queue = this.#queues.get(name) ?? { jobs: new Map(), done: new Set(), consumers: new Set(), mostCredits: 0 };
    this.#queues.set(name, queue);
    return queue;
  }

  #serve(socket) {
    this.#sockets.add(socket);
    const peer = {
      queue: "",
      credits: 0,
      running: new Set(),
      send: (message) => {
        const write = () => void (socket.destroyed || socket.write(`${JSON.stringify(message)}\n`));
        if (this.slowness > 0) setTimeout(write, this.slowness);
        else write();
      },
    };
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (data) => {
      text += data;
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) this.#unlessFrozen(() => this.#receive(peer, JSON.parse(line)));
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#sockets.delete(socket);
      setTimeout(() => this.#unlessFrozen(() => this.#leftBy(peer)), noticeMs);
      this.#queue(peer.queue).consumers.delete(peer);
    });
  }

  #unlessFrozen(act) {
    if (this.#frozen === undefined) act();
    else this.#frozen.push(act);
  }

  /** A worker is gone without a word. */
  #leftBy(peer) {
    for (const job of peer.running) {
      job.crashes++;
      job.state = "waiting";
    }
    peer.running.clear();
    this.#serveAll(peer.queue);
  }

  #receive(peer, { number, what, ...rest }) {
    try {
      const value = this.#act(peer, what, rest);
      if (number !== undefined && !this.silent.has(what)) peer.send({ kind: "answer", number, value });
    } catch (error) {
      peer.send({ kind: "answer", number, error: error.message });
    }
    this.#serveAll(peer.queue);
  }

  #act(peer, what, message) {
    const queue = this.#queue(peer.queue);
    if (this.refusal !== undefined && ["submit", "settle", "retry"].includes(what)) throw new Error(this.refusal);
    switch (what) {
      case "hello":
        peer.queue = message.queue;
        return true;
      case "submit":
        return this.#submit(queue, message.tasks);
      case "grant":
        queue.consumers.add(peer);
        peer.credits = Math.max(0, peer.credits + message.more);
        queue.mostCredits = Math.max(queue.mostCredits, this.credits(peer.queue));
        return true;
      case "stop":
        queue.consumers.delete(peer);
        return true;
      case "settle":
        return this.#settle(peer, queue, message);
      case "bye":
        this.byes.push(message.deadlineMs);
        // A clean end is no crash.
        for (const job of peer.running) job.state = "waiting";
        peer.running.clear();
        queue.consumers.delete(peer);
        return true;
      case "remove": {
        const state = queue.jobs.get(message.id)?.state;
        if (state === "running") return "running";
        return (state === "waiting" || state === "delayed") && queue.jobs.delete(message.id) ? "removed" : "unknown";
      }
      case "counts": {
        const states = [...queue.jobs.values()].map(({ state }) => state);
        const count = (wanted) => states.filter((state) => state === wanted).length;
        return {
          waiting: count("waiting"),
          delayed: count("delayed"),
          running: count("running"),
          failed: count("failed"),
        };
      }
      case "list":
        return [...queue.jobs.values()]
          .filter(({ state }) => state === "failed")
          .slice(0, message.limit)
          .map(({ task: { id, name }, reason, error, attempt, failedAt }) => {
            return { id, name, reason, error, attempts: attempt, failedAt };
          });
      case "retry": {
        const job = queue.jobs.get(message.id);
        if (job?.state !== "failed") return false;
        Object.assign(job, { state: "waiting", attempt: 0, crashes: 0 });
        return true;
      }
      case "discard":
        return queue.jobs.get(message.id)?.state === "failed" && queue.jobs.delete(message.id);
      default:
        throw new Error(`nobody knows ${what}`);
    }
  }

  #submit(queue, tasks) {
    this.submissions.push(tasks.map(({ id }) => id));
    if (this.rudely && tasks.some(({ name }) => this.refused.has(name))) throw new Error("one of them is not valid");
    return tasks.map((task) => {
      const { id, name, key } = task;
      if (this.refused.has(name)) return { ok: false, permanent: true, error: `${name} is not valid` };
      if (queue.jobs.has(id) || queue.done.has(id)) return { ok: true };
      const other =
        key &&
        [...queue.jobs.values()].find(
          (job) => job.state !== "failed" && job.task.name === name && job.task.key === key,
        );
      if (other) return { ok: true, duplicateOf: other.task.id };
      queue.jobs.set(id, {
        task,
        seq: this.#seq++,
        attempt: 0,
        crashes: 0,
        state: "waiting",
        due: 0,
        owner: undefined,
      });
      return { ok: true };
    });
  }

  #settle(peer, queue, { id, verdict }) {
    const job = queue.jobs.get(id);
    // Somebody else may have it meanwhile.
    if (job === undefined || !peer.running.delete(job)) return false;
    this.settled.push({ id, ...verdict });
    const { as, delayMs = 0 } = verdict;
    if (as !== "returned") job.attempt++;
    if (as === "succeeded") {
      queue.jobs.delete(id);
      queue.done.add(id);
    } else if (as === "failed") {
      Object.assign(job, { state: "failed", reason: verdict.reason, error: verdict.error, failedAt: Date.now() });
    } else {
      Object.assign(job, { state: delayMs > 0 ? "delayed" : "waiting", due: Date.now() + delayMs });
    }
    return true;
  }

  /** Gives out what waits to those who have credits. */
  #serveAll(name) {
    const queue = this.#queue(name);
    const jobs = [...queue.jobs.values()];
    for (const job of jobs) if (job.state === "delayed" && job.due <= Date.now()) job.state = "waiting";
    const waiting = jobs
      .filter(({ state }) => state === "waiting")
      .sort((a, b) => a.task.priority - b.task.priority || a.seq - b.seq);
    for (const job of waiting) {
      const peer = [...queue.consumers].find(({ credits }) => credits > 0);
      if (peer === undefined) break;
      peer.credits--;
      peer.running.add(job);
      Object.assign(job, { state: "running", owner: peer });
      this.delivered.set(job.task.id, (this.delivered.get(job.task.id) ?? 0) + 1);
      peer.send({ kind: "delivery", task: job.task, attempt: job.attempt + 1, crashes: job.crashes });
    }
    const next = Math.min(...jobs.filter(({ state }) => state === "delayed").map(({ due }) => due));
    if (!Number.isFinite(next)) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#unlessFrozen(() => this.#serveEverywhere()), Math.max(1, next - Date.now()));
  }

  #serveEverywhere() {
    for (const name of this.#queues.keys()) this.#serveAll(name);
  }
}
