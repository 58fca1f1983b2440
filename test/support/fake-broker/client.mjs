// The client of the fake broker: what the thread of an engine loads in tests.
import net from "node:net";
import { isMainThread } from "node:worker_threads";

/** ms without a word, after which the broker counts as frozen if it owes an answer. Its thread is that of a busy test. */
const patience = 600;
const reconnectMs = 50;
/** ms that the broker may take for an answer at the end. */
const longestEnd = 2_000;

/** @param {{ port: number, queue: string, dies?: boolean }} options */
export function connect(options) {
  return new FakeClient(options);
}

class FakeClient {
  name = "fake";
  #options;
  #events = { state: () => {} };
  #socket;
  #up;
  #closed = false;
  #numbers = 0;
  #questions = new Map();
  #running = new Map();
  #deliver;
  #credits = 0;
  #stopped = false;
  #heardAt = 0;
  #retry;
  failures = {
    list: (limit) => this.#ask({ what: "list", limit }),
    retry: (id) => this.#ask({ what: "retry", id }),
    discard: (id) => this.#ask({ what: "discard", id }),
  };

  constructor(options) {
    this.#options = options;
  }

  open(events) {
    this.#events = events;
    this.#connect();
  }

  async submit(batch, signal) {
    const receipts = await this.#ask({ what: "submit", tasks: batch }, signal);
    return receipts.map((receipt) => (receipt.ok ? receipt : { ...receipt, error: new Error(receipt.error) }));
  }

  consume(deliver) {
    this.#deliver = deliver;
    return {
      grant: (more) => {
        this.#credits = Math.max(0, this.#credits + more);
        if (this.#up) this.#send({ what: "grant", more });
      },
      stop: () => {
        this.#stopped = true;
        this.#send({ what: "stop" });
      },
    };
  }

  remove(id) {
    return this.#ask({ what: "remove", id });
  }

  counts() {
    return this.#ask({ what: "counts" });
  }

  async close(deadlineMs) {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#retry);
    const end = new AbortController();
    const timer = setTimeout(() => end.abort(), Math.min(deadlineMs, longestEnd));
    await this.#ask({ what: "bye", deadlineMs }, end.signal).catch(() => {});
    clearTimeout(timer);
    this.#socket?.destroy();
    for (const { reject } of this.#questions.values()) reject(new Error("the client is closed"));
  }

  #connect() {
    const { port, queue } = this.#options;
    const socket = net.connect(port, "127.0.0.1");
    this.#socket = socket;
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (data) => {
      text += data;
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) this.#receive(JSON.parse(line));
    });
    let failure = new Error("the connection is lost");
    socket.on("error", (error) => {
      failure = error;
    });
    socket.on("close", () => this.#disconnected(failure));
    socket.on("connect", () => {
      const hello = { what: "hello", queue };
      this.#ask(hello, undefined).then(
        () => {
          this.#setUp(true);
          if (this.#credits > 0 && !this.#stopped) this.#send({ what: "grant", more: this.#credits });
        },
        () => {},
      );
    });
  }

  #disconnected(error) {
    for (const { reject } of this.#questions.values()) reject(error);
    this.#questions.clear();
    // The broker gives what runs to somebody else.
    for (const loss of [...this.#running.values()]) loss.happen();
    this.#running.clear();
    if (this.#closed) return;
    this.#setUp(false, error);
    this.#retry = setTimeout(() => this.#connect(), reconnectMs);
  }

  #setUp(up, error) {
    if (up === this.#up || this.#closed) return;
    this.#up = up;
    this.#events.state(up, error);
  }

  #receive(message) {
    // Whatever comes shows that the broker lives.
    this.#heardAt = performance.now();
    if (this.#up === false && message.kind === "answer") this.#setUp(true);
    if (message.kind === "answer") {
      const question = this.#questions.get(message.number);
      this.#questions.delete(message.number);
      if (message.error === undefined) question?.resolve(message.value);
      else {
        // What a bug of a client does to its thread.
        if (message.error === "die" && !isMainThread) process.exit(1);
        question?.reject(new Error(message.error));
      }
    } else if (message.kind === "lost") {
      this.#running.get(message.id)?.happen();
      this.#running.delete(message.id);
    } else if (message.kind === "delivery") {
      this.#delivered(message);
    }
  }

  #delivered({ task, attempt, crashes }) {
    if (this.#options.dies) process.kill(process.pid, "SIGKILL");
    this.#credits--;
    const lost = new Loss();
    this.#running.set(task.id, lost);
    this.#deliver({
      task,
      attempt,
      crashes,
      lost,
      settle: async (verdict) => {
        if (lost.has) return;
        const told = verdict.error ? { ...verdict, error: verdict.error.message } : verdict;
        await this.#ask({ what: "settle", id: task.id, verdict: told });
        this.#running.delete(task.id);
      },
    });
  }

  #ask(message, signal) {
    return new Promise((resolve, reject) => {
      const number = ++this.#numbers;
      let timer;
      const look = () => {
        const silence = performance.now() - Math.max(this.#heardAt, asked);
        if (silence >= patience) this.#setUp(false, new Error(`the broker has not answered for ${patience} ms`));
        else timer = setTimeout(look, patience - silence + 1);
      };
      const asked = performance.now();
      timer = setTimeout(look, patience);
      const question = {
        resolve: (value) => {
          clearTimeout(timer);
          resolve(value);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      this.#questions.set(number, question);
      const giveUp = () => {
        this.#questions.delete(number);
        question.reject(new Error("given up"));
      };
      if (signal?.aborted) giveUp();
      else signal?.addEventListener("abort", giveUp, { once: true });
      if (!this.#send({ number, ...message })) question.reject(new Error("there is no connection"));
    });
  }

  #send(message) {
    if (this.#socket === undefined || this.#socket.destroyed || this.#socket.connecting) return false;
    this.#socket.write(`${JSON.stringify(message)}\n`);
    return true;
  }
}

/** As src/engine/remote/thread/loss.ts, which a plain file cannot load. */
class Loss {
  has = false;
  #listeners = [];

  tell(listener) {
    if (this.has) listener();
    else this.#listeners.push(listener);
  }

  happen() {
    if (this.has) return;
    this.has = true;
    for (const listener of this.#listeners) listener();
  }
}
