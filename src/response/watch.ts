// Watches one response to its end: the only place that listens to Node's events of a response.
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { brandClass } from "../base/shared.js";
import { nextTurn, now, wallClock } from "../base/time.js";
import type { ResponseOutcome } from "../core/outcome.js";
import { completedOutcome, http1Outcome, isOver, outcomeOf, wasCut } from "./ending.js";
import { type AnyResponse, isHttp2, streamOf } from "./kinds.js";
import { isSilent } from "./silent.js";
import { endOnSocketClose, type Follower, type Followers } from "./sockets.js";
import { deliverAtTheEndOfTheTurn, type Ended } from "./turn.js";

/** A response that is over. Its outcome is made when somebody asks, because most tasks run after any. */
export interface Over {
  readonly outcome: ResponseOutcome;
}

/** Called once when a response is over. It must not throw, because no caller is left who could handle the error. */
export type OverListener = (over: Over) => void;

// The watch is kept in the response itself, under a symbol that all copies of the library share: every request pays for it, and
// a WeakMap costs 0.5 us more. For HTTP/2 it is kept in the stream, which exists before its compatibility object.
// The number is the version of the public members of ResponseWatch.
const watched: unique symbol = Symbol.for("offload-after-response.watch/1");

type Watched = AnyResponse & { [watched]?: ResponseWatch };

/** Whether a value is a response whose watch has begun. */
export function isWatched(value: unknown): value is AnyResponse {
  return typeof value === "object" && value !== null && (value as Watched)[watched] !== undefined;
}

/** The one watch of a response; begins now if there is none. */
export function watchOf(response: AnyResponse | ResponseWatch): ResponseWatch {
  // This comes first, because the other questions take a walk through all its prototypes.
  const known = (response as Watched)[watched];
  if (known !== undefined) return known;
  if (response instanceof ResponseWatch) return response;
  const place: Watched = isHttp2(response) ? streamOf(response) : response;
  let watch = place[watched];
  if (watch === undefined) {
    watch = ResponseWatch.of(response);
    place[watched] = watch;
  } else if (place !== response && watch.response !== undefined) {
    // The compatibility object knows the status before it is sent; the stream does not.
    watch.response = response;
  }
  return watch;
}

/** The watch that a response of HTTP/1 has, if it has one. */
export function knownWatchOf(response: object): ResponseWatch | undefined {
  return (response as Watched)[watched];
}

/** The watch of a response of HTTP/1 that has just begun. The caller passes the events on to `observe`. */
export function watchFromStart(response: ServerResponse, socket: Socket): ResponseWatch {
  const watch = ResponseWatch.fromStart(response, socket);
  (response as Watched)[watched] = watch;
  return watch;
}

export class ResponseWatch implements Follower, Ended, Over {
  // Each copy of the library takes the watches of the others for its own.
  static {
    brandClass(ResponseWatch, "ResponseWatch/1");
  }

  /**
   * The response, until it is over. It is let go then, because an async context outlives its request: a pooled database
   * connection keeps the context it was opened in, and up to Node 22 an idle keep-alive connection that of its last request.
   */
  response: AnyResponse | undefined;
  #outcome: ResponseOutcome | undefined;
  // What a complete response leaves until somebody asks for its outcome.
  #statusCode = 0;
  #endedAt = 0;
  #listeners: OverListener[] | undefined;
  /** The socket of a response of HTTP/1, until the response is over. */
  #socket: Socket | undefined;
  /** The list in which this watch waits for the close of its socket. */
  #followers: Followers | undefined;
  nextOnSocket: Follower | undefined;
  readonly #startedAt = now();

  private constructor(response: AnyResponse) {
    this.response = response;
  }

  /** The watch of a response that may be over. */
  static of(response: AnyResponse): ResponseWatch {
    const watch = new ResponseWatch(response);
    if (isOver(response)) watch.end(false);
    else watch.#listen(response);
    return watch;
  }

  /** The watch of a response that has just begun. The caller passes its events to `observe`: listeners would cost more. */
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
    if (this.response === undefined) deliverAtTheEndOfTheTurn(this);
    // Only now, because few responses have a listener.
    else if (this.#socket !== undefined) this.#followSocket(this.#socket);
  }

  /** Whether nothing tells of the end, as the response is now. */
  get isSilent(): boolean {
    const { response } = this;
    // Asked of the socket first: the response of every request is asked, and Express makes its properties slow.
    return response !== undefined && this.#socket?.pending !== false && isSilent(response);
  }

  /**
   * The outcome for whoever does not wait for the end any longer; undefined if the response is over, because its listeners are
   * about to be called.
   *
   * @param error why the wait ended
   * @param trustsEnd whether a call of `end()` counts as the end: nothing of a silent response says more
   */
  outcomeSoFar(error: Error, trustsEnd: boolean): ResponseOutcome | undefined {
    const { response } = this;
    if (response === undefined) return undefined;
    const outcome = outcomeOf(response, false, wallClock(), now() - this.#startedAt);
    if (trustsEnd && response.writableEnded)
      return { ...outcome, kind: "completed", headersSent: true, error: undefined };
    return { ...outcome, kind: "aborted", headersSent: response.headersSent, error };
  }

  /** Takes note of an event that the response emits. */
  observe(event: unknown): void {
    if (event === "finish") this.end(true);
    else if (event === "close") this.end(false);
  }

  /**
   * The response is over.
   *
   * @param finished whether `finish` came, and not only the close of the response or its connection
   */
  end(finished: boolean): void {
    const response = this.response;
    if (response === undefined) return;
    const socket = this.#socket;
    const at = now();
    if (socket === undefined) {
      this.#outcome = outcomeOf(response, finished, wallClock(), at - this.#startedAt);
    } else if (!finished || wasCut(socket)) {
      this.#outcome = http1Outcome(response as ServerResponse, socket, finished, wallClock(), at - this.#startedAt);
    } else {
      this.#statusCode = (response as ServerResponse).statusCode;
      this.#endedAt = at;
    }
    this.response = undefined;
    this.#socket = undefined;
    this.#followers?.remove(this);
    this.#followers = undefined;
    if (this.#listeners !== undefined) deliverAtTheEndOfTheTurn(this);
  }

  #listen(response: AnyResponse): void {
    const closed = (): void => this.end(false);
    if (isHttp2(response)) {
      // The stream's own events. Those of the compatibility object come late (after the client has ended its upload), do
      // not tell a reset from an end, and do not come at all for a HEAD request that is reset.
      const stream = streamOf(response);
      stream.on("finish", () => {
        if (isOver(this.response ?? stream)) this.end(true);
      });
      stream.on("close", closed);
      return;
    }
    response.on("finish", () => this.end(true));
    response.on("close", closed);
    const socket = response.req?.socket;
    if (!socket) return;
    this.#socket = socket;
    this.#followSocket(socket);
  }

  #followSocket(socket: Socket): void {
    if (this.#followers !== undefined) return;
    this.#followers = endOnSocketClose(socket, this);
    // The close may be past already. An event of the response that is still due comes before the next turn of the loop.
    if (socket.destroyed) nextTurn(() => this.end(false));
  }

  // Not inside of Node's events: neither the work nor an error of a listener may come between the end of a response and
  // what Node does next on the connection (the next pipelined response, a close).
  deliver(): void {
    const listeners = this.#listeners ?? [];
    this.#listeners = undefined;
    for (const listener of listeners) {
      try {
        listener(this);
      } catch {
        // The listener broke its contract. The other listeners are called all the same, and the process lives on.
      }
    }
  }

  /** How the response ended. Only of one that is over. */
  get outcome(): ResponseOutcome {
    this.#outcome ??= this.#completed();
    return this.#outcome;
  }

  #completed(): ResponseOutcome {
    const endedAt = wallClock() - Math.floor(now() - this.#endedAt);
    return completedOutcome(this.#statusCode, endedAt, this.#endedAt - this.#startedAt);
  }
}
