// What the kinds of connections of a server (HTTP/1, HTTP/2, in the TLS handshake) have in common in a drain.
import type { Duplex } from "node:stream";
import type { OpenRequest } from "../steps/report.js";

/** The connections of one kind of one server. */
export interface Connections {
  /** How many there are. */
  readonly size: number;
  /** The drain begins: clients are told to leave, and still served. */
  announce(): void;
  /** The listener is closed: connections that are not in use are closed from now on. */
  close(): void;
  /** Called every now and then once the drain has begun: closes what has been quiet for long enough. */
  sweep(): void;
  openRequests(): OpenRequest[];
  /** Closes every connection. Returns how many of them had a request open. */
  force(): number;
  /** Leaves the server and the connections as they are, and forgets them. */
  uninstall(): void;
}

/**
 * How long a connection between two requests is left open in a drain, in ms. A client that uses it in that time gets an
 * answer that says `Connection: close`; were it closed at once, a request already on its way would be lost.
 */
export const idleGrace = 500;

/** The same for a connection on which a part of a request's head, or of a handshake, has arrived; from the last byte on. */
export const partialGrace = 2_000;

/** Ends a connection after what has been written to it. */
export function endSoon(socket: Duplex): void {
  if ("destroySoon" in socket && typeof socket.destroySoon === "function") socket.destroySoon();
  else socket.destroy();
}
