// Server-sent events: what happens, to every open page.
import type { Response } from "express";

/** A reader that is this many bytes behind is let go; its browser comes back and starts from the present. */
const maxBehind = 1_000_000;

export class Live {
  readonly #readers = new Set<Response>();
  #ended = false;

  /** Makes `res` a stream of the events from now on, after a first one. */
  add(res: Response, event: string, data: unknown): void {
    if (this.#ended) {
      res.sendStatus(503);
      return;
    }
    res.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    res.write(format(event, data));
    this.#readers.add(res);
    res.once("close", () => this.#readers.delete(res));
  }

  send(event: string, data: unknown): void {
    if (this.#readers.size === 0) return;
    const text = format(event, data);
    for (const res of this.#readers) {
      if (res.writableLength > maxBehind) res.destroy();
      else res.write(text);
    }
  }

  /** Ends every stream. An open one is a request that a shutdown waits for. */
  end(): void {
    this.#ended = true;
    for (const res of this.#readers) res.end();
  }
}

function format(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
