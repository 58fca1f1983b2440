// Wakes the workers of a queue for what is given back to it, which is to run elsewhere at once: NOTIFY and LISTEN of PostgreSQL. Where no
// connection can be had for it, or a pooler takes the notice away, workers look every `pollMs` all the same.
import { createHash } from "node:crypto";
import { sleep } from "../../../base/time.js";
import type { Connections } from "./connections.js";

const pauseAfterError = 1_000;

export class Doorbell {
  readonly #channel: string;
  readonly #closing = new AbortController();

  constructor(
    private readonly connections: Pick<Connections, "run" | "listen">,
    schema: string,
    queue: string,
  ) {
    // A name of PostgreSQL has 63 bytes.
    this.#channel = `offload_${createHash("sha256")
      .update(JSON.stringify([schema, queue]))
      .digest("hex")
      .slice(0, 32)}`;
  }

  /** Never rejects. */
  async ring(): Promise<void> {
    await this.connections.run("SELECT pg_notify($1, '')", [this.#channel]).catch(() => {});
  }

  /** Until `close()`: what breaks is tried again. */
  async listen(onRing: () => void): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.connections.listen(this.#channel, onRing, signal).catch(() => {});
      await sleep(pauseAfterError, { signal });
    }
  }

  close(): void {
    this.#closing.abort();
  }
}
