// The HTTP/1 connections of one server: which have a request open, which are quiet, and how each ends in a drain.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ServerResponse } from "node:http";
import type { Server } from "node:net";
import type { Duplex } from "node:stream";
import { type OpenRequest, pathOf } from "../steps/report.js";
import { type Connections, endSoon, idleGrace, partialGrace } from "./connections.js";
import { speaksTls } from "./servers.js";
import { watchUpgrades } from "./upgrades.js";

/** A response that is not over. */
interface Open {
  readonly response: ServerResponse;
  readonly since: number;
  /** This drain has taken its keep-alive away. */
  marked: boolean;
}

interface Connection {
  readonly socket: Duplex & { readonly bytesRead?: number };
  /** In the order of the requests; more than one when they are pipelined. */
  readonly open: Open[];
  /** When the last response ended or the last byte came. */
  quietSince: number;
  /** `bytesRead` when the last response ended, and when it was last looked at. */
  bytesBefore: number;
  bytesSeen: number;
  /** A response has ended in this drain: the connection has had its answer and may go. */
  served: boolean;
  upgraded: boolean;
  ending: boolean;
  readonly forget: () => void;
}

// Also published for pipelined requests and those that skip the `request` event (Expect: 100-continue). And, other than
// a listener of such an event, a subscriber changes nothing of what the server does.
const requestStart = "http.server.request.start";

interface RequestStart {
  readonly response: ServerResponse;
  readonly socket: Duplex;
  readonly server: unknown;
}

export class HttpDrain implements Connections {
  private readonly connections = new Map<Duplex, Connection>();
  private readonly unwatch: () => void;
  private draining = false;
  private closing = false;

  constructor(
    private readonly server: Server,
    private readonly onGone: () => void,
  ) {
    const event = speaksTls(server) ? "secureConnection" : "connection";
    server.on(event, this.connected);
    subscribe(requestStart, this.started);
    const unwatchUpgrades = watchUpgrades(server, (socket) => this.upgraded(socket));
    this.unwatch = () => {
      server.off(event, this.connected);
      unsubscribe(requestStart, this.started);
      unwatchUpgrades();
    };
  }

  get size(): number {
    return this.connections.size;
  }

  announce(): void {
    this.draining = true;
    for (const connection of this.connections.values()) markLast(connection.open);
  }

  close(): void {
    this.closing = true;
  }

  sweep(): void {
    const now = performance.now();
    for (const connection of this.connections.values()) {
      noteProgress(connection, now);
      const leaving = this.closing || connection.served;
      if (leaving && !connection.ending && isQuiet(connection, now)) {
        connection.ending = true;
        endSoon(connection.socket);
      }
    }
  }

  openRequests(): OpenRequest[] {
    const now = performance.now();
    return [...this.connections.values()].flatMap(({ open }) =>
      open.map(({ response: { req }, since }) => {
        return { method: req.method ?? "", path: pathOf(req.url), forMs: now - since };
      }),
    );
  }

  upgradedSockets(): Duplex[] {
    return [...this.connections.values()].filter(({ upgraded }) => upgraded).map(({ socket }) => socket);
  }

  force(): number {
    const all = [...this.connections.values()];
    for (const { socket } of all) socket.destroy();
    return all.filter(({ open }) => open.length > 0).length;
  }

  uninstall(): void {
    this.unwatch();
    for (const { socket, forget } of this.connections.values()) socket.off("close", forget);
    this.connections.clear();
  }

  private readonly connected = (socket: Duplex & { readonly alpnProtocol?: unknown }): void => {
    if (socket.alpnProtocol !== "h2") this.track(socket);
  };

  private track(socket: Duplex): Connection {
    const forget = (): void => {
      this.connections.delete(socket);
      this.onGone();
    };
    const connection: Connection = {
      socket,
      open: [],
      quietSince: performance.now(),
      bytesBefore: 0,
      bytesSeen: 0,
      served: false,
      upgraded: false,
      ending: false,
      forget,
    };
    this.connections.set(socket, connection);
    socket.on("close", forget);
    return connection;
  }

  private readonly started = (message: unknown): void => {
    const { response, socket, server } = message as RequestStart;
    if (server !== this.server) return;
    // Unknown if it connected before this drain was set up.
    const connection = this.connections.get(socket) ?? this.track(socket);
    const entry: Open = { response, since: performance.now(), marked: false };
    connection.open.push(entry);
    if (this.draining) markLast(connection.open);
    // Not emitted for a pipelined response whose socket dies before its turn; then the whole connection is forgotten.
    response.on("close", () => this.over(connection, entry));
  };

  private over(connection: Connection, entry: Open): void {
    connection.open.splice(connection.open.indexOf(entry), 1);
    connection.quietSince = performance.now();
    connection.bytesBefore = connection.bytesSeen = connection.socket.bytesRead ?? 0;
    connection.served = this.draining;
  }

  private upgraded(socket: Duplex): void {
    const connection = this.connections.get(socket) ?? this.track(socket);
    connection.upgraded = true;
    // Too late for the user's closing hook; the client finds another server.
    if (this.closing) endSoon(socket);
  }
}

/**
 * Sees to it that the last response of a connection says `Connection: close`, and none before it: Node ends the socket
 * after the response that says so, and those pipelined behind it would never be sent.
 *
 * By `shouldKeepAlive`, not by a header: Node makes the header of it when the response has none of its own, and the
 * user's headers stay as they are. A response whose headers have left keeps its connection; {@link HttpDrain.sweep} ends it.
 */
function markLast(open: readonly Open[]): void {
  for (const [index, entry] of open.entries()) {
    const { response } = entry;
    if (response.headersSent) continue;
    const last = index === open.length - 1;
    if (last && response.shouldKeepAlive) {
      response.shouldKeepAlive = false;
      entry.marked = true;
    } else if (!last && entry.marked) {
      response.shouldKeepAlive = true;
      entry.marked = false;
    }
  }
}

function noteProgress(connection: Connection, now: number): void {
  const { bytesRead = 0 } = connection.socket;
  if (bytesRead === connection.bytesSeen) return;
  connection.bytesSeen = bytesRead;
  connection.quietSince = now;
}

function isQuiet({ open, upgraded, quietSince, bytesBefore, bytesSeen }: Connection, now: number): boolean {
  if (open.length > 0 || upgraded) return false;
  return now - quietSince >= (bytesSeen > bytesBefore ? partialGrace : idleGrace);
}
