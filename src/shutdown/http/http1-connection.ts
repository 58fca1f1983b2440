// One HTTP/1 connection of a server: its open requests, and when it may be closed in a drain.
import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { now } from "../../base/time.js";
import { endSoon, idleGrace, partialGrace } from "./connections.js";
import { type OpenRequest, openRequest } from "./open-request.js";

/** A response that is not over. */
interface OpenResponse {
  readonly response: ServerResponse;
  readonly since: number;
  /** Others that are not known may be pipelined behind it. */
  readonly followed: boolean;
  /** This drain has taken its keep-alive away. */
  marked: boolean;
}

export class Http1Connection {
  upgraded = false;
  /** In the order of the requests; more than one when they are pipelined. */
  private readonly open: OpenResponse[] = [];
  /** When the last response ended or the last byte came. */
  private quietSince: number = now();
  /** `bytesRead` when the last response ended. */
  private bytesBefore = 0;
  /** `bytesRead` when it was last looked at. */
  private bytesSeen = 0;
  /** A response has ended in the drain: the client has had its answer, so the connection may go. */
  private served = false;
  private ending = false;

  constructor(readonly socket: Duplex & { readonly bytesRead?: number }) {}

  get hasOpenRequest(): boolean {
    return this.open.length > 0;
  }

  has(response: ServerResponse): boolean {
    return this.open.some((entry) => entry.response === response);
  }

  openRequests(): OpenRequest[] {
    return this.open.map(({ response: { req }, since }) => openRequest(req.method, req.url, since));
  }

  /**
   * A request has arrived.
   *
   * @param followed whether requests that are not known may be pipelined behind it
   * @returns what to call when its response is over, with whether the drain has begun
   */
  begin(response: ServerResponse, followed = false): (draining: boolean) => void {
    const entry: OpenResponse = { response, since: now(), followed, marked: false };
    this.open.push(entry);
    return (draining) => {
      this.open.splice(this.open.indexOf(entry), 1);
      this.quietSince = now();
      this.bytesBefore = this.bytesSeen = this.socket.bytesRead ?? 0;
      this.served = draining;
    };
  }

  /**
   * Lets the last response of the connection say `Connection: close`, and none before it: Node ends the socket after the
   * response that says so, and those pipelined behind it would never be sent.
   *
   * `shouldKeepAlive` is set and no header, because Node writes the header from it when the response has none of its own,
   * and the user's headers stay as they are. A response whose headers have left keeps its connection; {@link sweep} ends it.
   */
  markLast(): void {
    for (const [index, entry] of this.open.entries()) {
      const { response } = entry;
      if (response.headersSent) continue;
      const last = index === this.open.length - 1 && !entry.followed;
      if (last && response.shouldKeepAlive) {
        response.shouldKeepAlive = false;
        entry.marked = true;
      } else if (!last && entry.marked) {
        response.shouldKeepAlive = true;
        entry.marked = false;
      }
    }
  }

  /** Ends the connection once it has been quiet for long enough. If not `closing`, only after a response in the drain. */
  sweep(closing: boolean): void {
    this.noteProgress();
    if (this.ending || !(closing || this.served) || !this.isQuiet()) return;
    this.ending = true;
    endSoon(this.socket);
  }

  private noteProgress(): void {
    const { bytesRead = 0 } = this.socket;
    if (bytesRead === this.bytesSeen) return;
    this.bytesSeen = bytesRead;
    this.quietSince = now();
  }

  private isQuiet(): boolean {
    if (this.hasOpenRequest || this.upgraded) return false;
    const grace = this.bytesSeen > this.bytesBefore ? partialGrace : idleGrace;
    return now() - this.quietSince >= grace;
  }
}
