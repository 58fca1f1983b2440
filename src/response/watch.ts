// One response, watched to its end: the only place that listens to Node's events of a response.
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { ResponseOutcome } from "../core/outcome.js";
import { http1Outcome, isOver, outcomeOf } from "./ending.js";
import { type AnyResponse, isHttp2, streamOf } from "./kinds.js";
import { type Followers, forget, settleOnSocketClose } from "./sockets.js";
import { atTheEndOfTheTurn } from "./turn.js";

/** Told once how a response ended. It must not throw: there is nobody behind it who could do anything about it. */
export type OverListener = (outcome: ResponseOutcome) => void;

// The watch of a response stands in the response itself, under a symbol of this copy of the library: every request
// pays for it, and a WeakMap costs 0.5 us more. For HTTP/2 it stands in the stream, which is known before its
// compatibility object is made.
const watched = Symbol("offload-after-response.watch");

type Watched = AnyResponse & { [watched]?: ResponseWatch };

/** Whether a value is a response whose watch has begun. */
export function isWatched(value: unknown): value is AnyResponse {
  return typeof value === "object" && value !== null && watched in value;
}

/** The one watch of a response, begun now if there is none. */
export function watchOf(response: AnyResponse | ResponseWatch): ResponseWatch {
  if (response instanceof ResponseWatch) return response;
  // Before it is asked which kind of response it is: that walks through all its prototypes.
  const known = (response as Watched)[watched];
  if (known !== undefined) return known;
  const place: Watched = isHttp2(response) ? streamOf(response) : response;
  let watch = place[watched];
  if (watch === undefined) {
    watch = ResponseWatch.of(response);
    place[watched] = watch;
  } else if (place !== response && watch.response !== undefined) {
    // The compatibility object knows a status that it has not sent; the stream does not.
    watch.response = response;
  }
  return watch;
}

/** The watch of a response of HTTP/1 that has just begun, whose events it is told of by `saw`. */
export function watchFromStart(response: ServerResponse, socket: Socket): ResponseWatch {
  const watch = ResponseWatch.fromStart(response, socket);
  (response as Watched)[watched] = watch;
  return watch;
}

export class ResponseWatch {
  /**
   * The response until it is over. Not longer: contexts outlive requests, for a pooled database connection keeps the
   * one it was opened in, and up to Node 22 an idle keep-alive connection that of its last request.
   */
  response: AnyResponse | undefined;
  #outcome: ResponseOutcome | undefined;
  #listeners: OverListener[] | undefined;
  /** Of HTTP/1, until the response is over. */
  #socket: Socket | undefined;
  /** Among them it waits for the close of its socket. */
  #followers: Followers | undefined;
  readonly #startedAt = performance.now();

  private constructor(response: AnyResponse) {
    this.response = response;
  }

  /** Of a response that may be over. */
  static of(response: AnyResponse): ResponseWatch {
    const watch = new ResponseWatch(response);
    if (isOver(response)) watch.settle(false);
    else watch.#listen(response);
    return watch;
  }

  /** Of a response that has just begun, whose events it is told of by `saw`: to listen costs every request more. */
  static fromStart(response: ServerResponse, socket: Socket): ResponseWatch {
    const watch = new ResponseWatch(response);
    watch.#socket = socket;
    return watch;
  }

  /** Calls the listener after the response, in the order of registration and never before this call has returned. */
  add(listener: OverListener): void {
    if (this.#listeners !== undefined) {
      this.#listeners.push(listener);
      return;
    }
    this.#listeners = [listener];
    if (this.#outcome !== undefined) this.#deliverSoon();
    // Not before something waits for its end, which is so for few.
    else if (this.#socket !== undefined) this.#followSocket(this.#socket);
  }

  /** The response emits an event. */
  saw(event: unknown): void {
    if (event === "finish") this.settle(true);
    else if (event === "close") this.settle(false);
  }

  /** @param finished whether `finish` says so, and not the end of what carries the response */
  settle(finished: boolean): void {
    const response = this.response;
    if (response === undefined) return;
    const socket = this.#socket;
    const durationMs = performance.now() - this.#startedAt;
    const endedAt = Date.now();
    const times = { startedAt: endedAt - durationMs, endedAt, durationMs };
    this.#outcome =
      socket === undefined
        ? outcomeOf(response, finished, times)
        : http1Outcome(response as ServerResponse, socket, finished, times);
    this.response = undefined;
    this.#socket = undefined;
    if (this.#followers !== undefined) forget(this, this.#followers);
    this.#followers = undefined;
    if (this.#listeners !== undefined) this.#deliverSoon();
  }

  #listen(response: AnyResponse): void {
    const closed = (): void => this.settle(false);
    if (isHttp2(response)) {
      // The stream's own events. The compatibility object's come late (not before the client has ended its upload),
      // for a reset as for an end, and for a HEAD request that is reset not at all.
      const stream = streamOf(response);
      stream.on("finish", () => {
        if (isOver(this.response ?? stream)) this.settle(true);
      });
      stream.on("close", closed);
      return;
    }
    response.on("finish", () => this.settle(true));
    response.on("close", closed);
    const socket = response.req?.socket;
    if (!socket) return;
    this.#socket = socket;
    this.#followSocket(socket);
  }

  #followSocket(socket: Socket): void {
    if (this.#followers !== undefined) return;
    this.#followers = settleOnSocketClose(socket, this);
    // Its close may be past already. What it still has to say of the response comes before the next turn of the loop.
    if (socket.destroyed) setImmediate(() => this.settle(false));
  }

  // Not from within Node's events: what a listener does must not come between a response's end and what Node does
  // next on the connection (the next pipelined response, a close), nor what it throws.
  #deliverSoon(): void {
    atTheEndOfTheTurn(() => this.#deliver());
  }

  #deliver(): void {
    const outcome = this.#outcome;
    const listeners = this.#listeners;
    this.#listeners = undefined;
    if (outcome === undefined || listeners === undefined) return;
    for (const listener of listeners) {
      try {
        listener(outcome);
      } catch {
        // A broken contract, but neither the other listeners' fault nor the process's end.
      }
    }
  }
}
