// The seam between the drain of a server and its kinds of connections: HTTP/1, HTTP/2, and those in the TLS handshake.
import type { Duplex } from "node:stream";
import type { OpenRequest } from "./open-request.js";

/** The connections of one kind of one server. */
export interface Connections {
  /** How many there are. */
  readonly size: number;
  /** The drain begins: clients are asked to leave, and are still served. */
  announce(): void;
  /** The listener is closed: connections that are not in use are closed from now on. */
  close(): void;
  /** Closes what has been quiet for long enough. Called several times a second once the drain has begun. */
  sweep(): void;
  openRequests(): OpenRequest[];
  /** Closes every connection. Returns how many of them had a request open. */
  force(): number;
  /** Takes every listener away, and leaves the server and the connections as they are. */
  uninstall(): void;
}

/**
 * How long a connection between two requests stays open in a drain, in ms. A request that is on its way in that time gets
 * an answer that says `Connection: close`. If the connection closed at once, that request would be lost.
 */
export const idleGrace = 500;

/** The same for a connection on which a part of a request's head, or of a handshake, has arrived; from the last byte on. */
export const partialGrace = 2_000;

/** Ends a connection after what has been written to it. */
export function endSoon(socket: Duplex): void {
  if ("destroySoon" in socket && typeof socket.destroySoon === "function") socket.destroySoon();
  else socket.destroy();
}
