// What the tests of this folder share: handlers that hand over their response, and outcomes as promises.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setImmediate } from "node:timers/promises";
import type { ResponseOutcome } from "../../src/core/outcome.js";
import { whenOver } from "../../src/response/over.js";
import { listen } from "../support/http.js";

/** More than the buffers of any socket take at once. */
export const largeBody = Buffer.alloc(32 * 1024 * 1024, "x");

export interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

export interface Served {
  readonly server: Server;
  readonly port: number;
  /** The next request that arrives, once it has. */
  next(): Promise<Exchange>;
}

/** A server whose requests the test answers itself, one by one. */
export async function serve(): Promise<Served> {
  const arrived = new Arrivals<Exchange>();
  const server = createServer((req, res) => arrived.push({ req, res }));
  return { server, port: await listen(server), next: () => arrived.next() };
}

/** A queue of what arrives and of who waits for it. */
export class Arrivals<T> {
  readonly #items: T[] = [];
  readonly #takers: ((item: T) => void)[] = [];

  push(item: T): void {
    const taker = this.#takers.shift();
    if (taker) taker(item);
    else this.#items.push(item);
  }

  next(): Promise<T> {
    return new Promise((resolve) => {
      if (this.#items.length === 0) this.#takers.push(resolve);
      else resolve(this.#items.shift() as T);
    });
  }
}

/** A registration: its outcomes, of which there should be one. */
export interface Registration {
  readonly outcomes: ResponseOutcome[];
  readonly outcome: Promise<ResponseOutcome>;
}

export function register(response: Parameters<typeof whenOver>[0]): Registration {
  const outcomes: ResponseOutcome[] = [];
  const outcome = new Promise<ResponseOutcome>((resolve) => {
    whenOver(response, ({ outcome }) => {
      outcomes.push(outcome);
      resolve(outcome);
    });
  });
  return { outcomes, outcome };
}

/** Lets everything happen that was due: ticks, microtasks, and the events of sockets that are closing. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await setImmediate();
}
