// The HTTP/1 connections of one server, from the first byte on, and how they end in a drain.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ServerResponse } from "node:http";
import type { Server } from "node:net";
import type { Duplex } from "node:stream";
import { isLastOn, responseOn } from "../../base/open-responses.js";
import { ConnectionMap } from "./connection-map.js";
import { type Connections, endSoon } from "./connections.js";
import { earlierConnections } from "./earlier-connections.js";
import { Http1Connection } from "./http1-connection.js";
import type { OpenRequest } from "./open-request.js";
import { speaksTls } from "./servers.js";
import { watchUpgrades } from "./upgrades.js";

// This channel also announces pipelined requests and those that skip the `request` event (Expect: 100-continue). And a
// subscriber changes nothing of what the server does, while a listener of such an event would.
const requestStart = "http.server.request.start";

interface RequestStart {
  readonly response: ServerResponse;
  readonly socket: Duplex;
  readonly server: unknown;
}

export class Http1Drain implements Connections {
  private readonly connections: ConnectionMap<Duplex, Http1Connection>;
  private readonly unwatch: () => void;
  private draining = false;
  private closing = false;

  constructor(
    private readonly server: Server,
    onClosed: () => void,
  ) {
    this.connections = new ConnectionMap(onClosed);
    const event = speaksTls(server) ? "secureConnection" : "connection";
    server.on(event, this.connected);
    subscribe(requestStart, this.started);
    const unwatchUpgrades = watchUpgrades(server, (socket) => this.upgraded(socket));
    for (const { socket, upgraded } of earlierConnections(server)) {
      const connection = this.track(socket);
      connection.upgraded = upgraded;
      this.takeOn(connection, responseOn(socket));
    }
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
    for (const connection of this.all()) connection.markLast();
  }

  close(): void {
    this.closing = true;
  }

  sweep(): void {
    for (const connection of this.all()) connection.sweep(this.closing);
  }

  openRequests(): OpenRequest[] {
    return this.all().flatMap((connection) => connection.openRequests());
  }

  upgradedSockets(): Duplex[] {
    return this.all()
      .filter(({ upgraded }) => upgraded)
      .map(({ socket }) => socket);
  }

  force(): number {
    const all = this.all();
    const inUse = all.filter(({ hasOpenRequest }) => hasOpenRequest).length;
    for (const { socket } of all) socket.destroy();
    return inUse;
  }

  uninstall(): void {
    this.unwatch();
    this.connections.clear();
  }

  private all(): Http1Connection[] {
    return this.connections.all().map(([, connection]) => connection);
  }

  private readonly connected = (socket: Duplex & { readonly alpnProtocol?: unknown }): void => {
    if (socket.alpnProtocol !== "h2") this.track(socket);
  };

  private readonly started = (message: unknown): void => {
    const { response, socket, server } = message as RequestStart;
    if (server !== this.server) return;
    this.begun(this.connectionOf(socket), response);
  };

  private begun(connection: Http1Connection, response: ServerResponse, followed = false): void {
    const end = connection.begin(response, followed);
    if (this.draining) connection.markLast();
    // A pipelined response whose socket dies before its turn emits no `close`. Then the whole connection is forgotten.
    response.on("close", () => end(this.draining));
  }

  /** A response that has begun before this drain was set up; after it come those that are pipelined behind it. */
  private takeOn(connection: Http1Connection, response: ServerResponse | undefined): void {
    if (response === undefined || response.closed || connection.has(response)) return;
    this.begun(connection, response, !isLastOn(connection.socket, response));
    response.on("close", () => this.takeOn(connection, responseOn(connection.socket)));
  }

  private upgraded(socket: Duplex): void {
    this.connectionOf(socket).upgraded = true;
    // The user's closing hook has been called already; the client finds another server.
    if (this.closing) endSoon(socket);
  }

  /** The connection is unknown if it was made before this drain was set up and Node did not list it. */
  private connectionOf(socket: Duplex): Http1Connection {
    return this.connections.get(socket) ?? this.track(socket);
  }

  private track(socket: Duplex): Http1Connection {
    return this.connections.add(socket, new Http1Connection(socket));
  }
}
