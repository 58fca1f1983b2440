// The open pages: a stream of server-sent events each. What they are told is made once for all of them.
import { clearTimer, setTimer } from "../../base/time.js";
import { setHeaders } from "./answer.js";
import type { NodeResponse } from "./exchange.js";

/** How many pages may be open at a time. */
const mostReaders = 16;
/** A reader that is so many bytes behind is dropped. Its browser comes back, and begins with the present. */
const mostBehind = 1_000_000;
/** After so many ms a stream ends and the browser comes back, so that its access is looked at again. */
const longest = 300_000;

export class Streams {
  readonly #readers = new Set<NodeResponse>();
  #ended = false;

  /** @param onChange called when the first reader has come, and when the last one has gone */
  constructor(private readonly onChange: (isWatched: boolean) => void) {}

  get size(): number {
    return this.#readers.size;
  }

  /** Whether another reader can be taken. */
  get hasRoom(): boolean {
    return !this.#ended && this.#readers.size < mostReaders;
  }

  /** @param first the events that it begins with */
  add(res: NodeResponse, first: string): void {
    // It went while its access was looked at: its `close` has been emitted, and it would be written to for ever.
    if (isGone(res)) return;
    // nginx would hold the events back.
    setHeaders(res, 200, "text/event-stream; charset=utf-8", { "X-Accel-Buffering": "no" });
    this.#readers.add(res);
    const timer = setTimer(() => res.end(), longest).unref();
    res.once("close", () => {
      clearTimer(timer);
      if (this.#readers.delete(res) && this.#readers.size === 0) this.onChange(false);
    });
    // A client that has gone makes a write fail, which is no error of anybody.
    res.on("error", () => {});
    if (this.#readers.size === 1) this.onChange(true);
    this.#write(res, first);
  }

  send(text: string): void {
    for (const res of this.#readers) {
      if (res.writableLength > mostBehind) res.destroy();
      else this.#write(res, text);
    }
  }

  /** Ends every stream, after a last event. An open one is a request that a shutdown waits for. */
  end(last: string): void {
    this.#ended = true;
    for (const res of this.#readers) (res as { end(text: string): unknown }).end(last);
  }

  #write(res: NodeResponse, text: string): void {
    // The two kinds of response have signatures that do not unite.
    (res as { write(text: string): unknown }).write(text);
  }
}

function isGone(res: NodeResponse): boolean {
  if ("stream" in res) return res.stream.destroyed;
  return res.destroyed || res.socket === null || res.socket.destroyed;
}

/** An event of a stream. JSON has no line breaks of its own. */
export function eventText(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
