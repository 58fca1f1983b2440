// The connections that a server had before its drain was set up, with what they are doing. Node keeps them in lists of its
// own, which are the same on Node 20 to 26; where one is missing, these connections stay unknown.
import type { Http2Session } from "node:http2";
import { Server, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { activeHandles, activeSockets } from "../../base/open-responses.js";
import { speaksHttp1, speaksTls } from "./servers.js";

/** A connection of HTTP/1. */
export interface EarlierConnection {
  readonly socket: Duplex;
  readonly upgraded: boolean;
}

/** Those of HTTP/1, upgraded ones included. Upgraded ones of TLS are not known. */
export function earlierConnections(server: Server): EarlierConnection[] {
  const parsers = hidden(server, "http.server.connections") as { all?(): { socket?: unknown }[] } | undefined;
  const speaking = (parsers?.all?.() ?? []).flatMap(({ socket }) => (socket instanceof Socket ? [socket] : []));
  const others = speaksTls(server) ? [] : openSockets(server).filter((socket) => !speaking.includes(socket));
  return [
    ...speaking.map((socket) => ({ socket, upgraded: false })),
    // Node takes the parser away from a socket that it hands over.
    ...others.map((socket) => ({ socket, upgraded: !Reflect.get(socket, "parser") })),
  ];
}

/** The HTTP/2 sessions of a server; Node keeps them from version 24 on. */
export function earlierSessions(server: Server): Http2Session[] {
  const sessions = hidden(server, "sessions");
  return sessions instanceof Set ? [...sessions] : [];
}

/** The servers of node:http and node:https in this process that have connections. */
export function serversWithClients(): Server[] {
  // A server may be unknown to the process but not to its sockets: in a worker of a cluster, or closed to new clients.
  const servers = new Set([...activeHandles(), ...activeSockets().map((socket) => Reflect.get(socket, "server"))]);
  return [...servers].filter(
    (server): server is Server =>
      server instanceof Server &&
      speaksHttp1(server) &&
      earlierConnections(server).some(({ socket }) => !socket.destroyed),
  );
}

function openSockets(server: Server): Socket[] {
  return activeSockets().filter((socket) => Reflect.get(socket, "server") === server);
}

function hidden(server: Server, description: string): unknown {
  const symbol = Object.getOwnPropertySymbols(server).find((candidate) => candidate.description === description);
  return symbol && Reflect.get(server, symbol);
}
