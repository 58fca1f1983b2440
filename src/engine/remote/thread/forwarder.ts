// Submits tasks in batches until the broker has each of them, or has refused it for good. A batch that is rejected is halved until
// the guilty task is alone. Nothing is given up because of an outage.
import { now, sleep } from "../../../base/time.js";
import type { EngineTask, Receipt, RemoteEngine } from "../remote-engine.js";
import { submit } from "./submit.js";

export interface ForwarderOptions {
  /** Told at each change: why the broker, which can be reached, takes no task; undefined when it takes them again. */
  readonly onRefusing?: (error: Error | undefined) => void;
  /** How long the broker may take for a batch, in ms. Default 10,000. */
  readonly patience?: number;
  /** The first pause after a rejection, in ms; each doubles, up to 50 times that. Default 100. */
  readonly pause?: number;
}

/** Called once for each task: with an error if it will never be taken. */
export type OnForwarded = (task: EngineTask, error: Error | undefined) => void;

/** Tasks in one submission. */
const mostTasks = 500;
/** A task is refused for good after so many refusals that it alone got, while the broker took another. */
const mostStrikes = 3;
/** How long a task that was taken may be submitted again to see whether the broker takes anything. Brokers forget ids after minutes. */
const probeMs = 60_000;

export class Forwarder {
  readonly #client: RemoteEngine;
  readonly #onForwarded: OnForwarded;
  readonly #patience: number;
  readonly #firstPause: number;
  readonly #onRefusing: (error: Error | undefined) => void;
  #waiting: EngineTask[] = [];
  /** Those that were rejected alone, and how often while the broker took another. */
  readonly #suspects = new Map<EngineTask, { strikes: number; error: Error }>();
  readonly #closing = new AbortController();
  #taken: { readonly task: EngineTask; readonly at: number } | undefined;
  /** Of this round: whether the broker took anything, and the last rejection. */
  #hasTaken = false;
  #rejection: Error | undefined;
  #isRefusing = false;
  #up = false;
  #pause: number;
  #running = false;
  #wake = new AbortController();

  constructor(client: RemoteEngine, onForwarded: OnForwarded, options: ForwarderOptions = {}) {
    this.#client = client;
    this.#onForwarded = onForwarded;
    this.#patience = options.patience ?? 10_000;
    this.#firstPause = options.pause ?? 100;
    this.#pause = this.#firstPause;
    this.#onRefusing = options.onRefusing ?? (() => {});
  }

  add(tasks: readonly EngineTask[]): void {
    this.#waiting.push(...tasks);
    if (!this.#running) void this.#run();
  }

  /** The broker has become reachable, or is so no more. */
  setUp(up: boolean): void {
    this.#up = up;
    // The change says it.
    this.#isRefusing = false;
    if (!up) return;
    this.#pause = this.#firstPause;
    this.#wake.abort();
  }

  /** Submits nothing more. What has not been taken is the caller's. */
  close(): void {
    this.#closing.abort();
    this.#wake.abort();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (!this.#closing.signal.aborted && this.#waiting.length + this.#suspects.size > 0) {
      if (!this.#up) await this.#sleep(this.#patience);
      else if (this.#waiting.length > 0) await this.#submitNext();
      else {
        await this.#rest();
        if (this.#up) await this.#trySuspects();
      }
      this.#judge();
    }
    this.#running = false;
  }

  /** After a round: does the broker refuse everything, although it can be reached? */
  #judge(): void {
    const [hasTaken, rejection] = [this.#hasTaken, this.#rejection];
    this.#hasTaken = false;
    this.#rejection = undefined;
    // The end of what was under way is no refusal.
    if (this.#closing.signal.aborted) return;
    const refuses = !hasTaken && rejection !== undefined && this.#up;
    if (refuses === this.#isRefusing || !(hasTaken || refuses)) return;
    this.#isRefusing = refuses;
    this.#onRefusing(refuses ? rejection : undefined);
  }

  async #submitNext(): Promise<void> {
    const batch = this.#waiting.splice(0, mostTasks);
    const left = await this.#submit(batch);
    if (left.length === 0) {
      this.#pause = this.#firstPause;
      return;
    }
    this.#waiting.unshift(...left);
    await this.#rest();
  }

  /** @returns what has to be submitted again; a task that is rejected alone becomes a suspect and is not among it */
  async #submit(batch: readonly EngineTask[]): Promise<readonly EngineTask[]> {
    const receipts = await this.#ask(batch);
    if (!(receipts instanceof Error)) return this.#receive(batch, receipts);
    if (!this.#up || this.#closing.signal.aborted || (await this.#takesNothing())) return batch;
    const [first] = batch;
    if (batch.length === 1 && first !== undefined) {
      this.#suspect(first, receipts);
      return [];
    }
    const middle = batch.length >> 1;
    const left = await this.#submit(batch.slice(0, middle));
    return [...left, ...(await this.#submit(batch.slice(middle)))];
  }

  async #trySuspects(): Promise<void> {
    for (const [task, { error }] of [...this.#suspects]) {
      if (!this.#up || this.#closing.signal.aborted) return;
      const receipts = await this.#ask([task]);
      if (!(receipts instanceof Error)) {
        this.#suspects.delete(task);
        this.#waiting.push(...this.#receive([task], receipts));
      } else if (await this.#takesNothing()) {
        return;
      } else {
        this.#suspect(task, receipts ?? error);
      }
    }
  }

  #suspect(task: EngineTask, error: Error): void {
    // Without a task to compare it with, it may be the broker.
    const strikes = (this.#suspects.get(task)?.strikes ?? 0) + (this.#probe() === undefined ? 0 : 1);
    this.#suspects.set(task, { strikes, error });
    if (strikes < mostStrikes) return;
    this.#suspects.delete(task);
    this.#onForwarded(task, error);
  }

  #receive(batch: readonly EngineTask[], receipts: readonly Receipt[]): readonly EngineTask[] {
    return batch.filter((task, index) => {
      const receipt = receipts[index];
      if (receipt === undefined) return true;
      if (receipt.ok || receipt.permanent) this.#hasTaken = true;
      else this.#rejection = receipt.error;
      if (receipt.ok) {
        this.#taken = { task, at: now() };
        this.#onForwarded(task, undefined);
      } else if (receipt.permanent) {
        this.#onForwarded(task, receipt.error);
      }
      return !receipt.ok && !receipt.permanent;
    });
  }

  /** A task that the broker has. To submit it again changes nothing. */
  #probe(): EngineTask | undefined {
    return this.#taken !== undefined && now() - this.#taken.at < probeMs ? this.#taken.task : undefined;
  }

  /** Whether the broker, asked for what it must take, rejects that too: then no task is to blame. */
  async #takesNothing(): Promise<boolean> {
    const probe = this.#probe();
    if (probe === undefined) return false;
    const takes = !((await this.#ask([probe])) instanceof Error);
    if (takes) this.#hasTaken = true;
    return !takes;
  }

  /** The receipts, or why there are none. */
  async #ask(batch: readonly EngineTask[]): Promise<readonly Receipt[] | Error> {
    const answer = await submit(this.#client, batch, this.#patience, this.#closing.signal);
    if (answer instanceof Error) this.#rejection = answer;
    return answer;
  }

  /** Waits before the next submission, longer each time, or until the broker has come back. */
  async #rest(): Promise<void> {
    await this.#sleep(this.#pause);
    this.#pause = Math.min(this.#pause * 2, this.#firstPause * 50);
  }

  async #sleep(ms: number): Promise<void> {
    this.#wake = new AbortController();
    if (this.#closing.signal.aborted) return;
    await sleep(ms, { signal: this.#wake.signal });
  }
}
