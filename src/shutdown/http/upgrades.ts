// Which sockets of a server were upgraded (WebSockets) or tunnelled (CONNECT). Node no longer closes these itself.
import type { Server } from "node:net";
import type { Duplex } from "node:stream";

const events: readonly (string | symbol)[] = ["upgrade", "connect"];

/**
 * Calls `onUpgrade` with every socket that is handed to a listener of the user.
 *
 * A server without a listener for upgrades handles such a request as any other. So there is a listener of this function
 * only while there is one of the user.
 *
 * @returns a function that takes every listener away
 */
export function watchUpgrades(server: Server, onUpgrade: (socket: Duplex) => void): () => void {
  const note = (_request: unknown, socket: Duplex): void => onUpgrade(socket);
  const watched = new Set<string | symbol>();
  const watch = (event: string | symbol): void => {
    watched.add(event);
    server.prependListener(String(event), note);
  };
  const unwatch = (event: string | symbol): void => {
    watched.delete(event);
    server.off(String(event), note);
  };
  const added = (event: string | symbol, listener: unknown): void => {
    if (listener !== note && events.includes(event) && !watched.has(event)) watch(event);
  };
  const removed = (event: string | symbol): void => {
    if (watched.has(event) && server.listenerCount(event) === 1) unwatch(event);
  };
  for (const event of events) if (server.listenerCount(event) > 0) watch(event);
  server.on("newListener", added);
  server.on("removeListener", removed);
  return () => {
    server.off("newListener", added);
    server.off("removeListener", removed);
    for (const event of [...watched]) unwatch(event);
  };
}
