// The sockets of a server that were upgraded (WebSockets) or tunnelled (CONNECT), which Node itself no longer closes: which
// they are, and how they end.
import type { Server } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../../base/logger.js";
import type { Deadline } from "../steps/deadline.js";
import { endSoon } from "./connections.js";

const events: readonly (string | symbol)[] = ["upgrade", "connect"];

/**
 * Calls `onUpgrade` with every socket that is handed to a listener of the user.
 *
 * Node offers an upgrade only to a server that has a listener for it, and handles the request as usual otherwise. So this
 * one listens only while the user does.
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

/** How long upgraded sockets may take to close by themselves once the user's hook is done, in ms. */
const closingGrace = 2_000;

/** A server whose upgraded sockets are known. */
interface UpgradedSockets {
  upgradedSockets(): Duplex[];
}

/**
 * Ends the upgraded sockets of a server: first the user's hook, then those that are still open a while later.
 *
 * @param hook called with the sockets, if there are any
 */
export async function endUpgraded(
  server: UpgradedSockets,
  hook: ((sockets: readonly Duplex[]) => unknown) | undefined,
  deadline: Deadline,
  logger: Logger,
): Promise<void> {
  const sockets = server.upgradedSockets();
  if (hook !== undefined && sockets.length > 0) {
    try {
      await deadline.within(Promise.resolve(hook(sockets)), "requests");
      const grace = sleep(closingGrace, undefined, { ref: false });
      await deadline.within(Promise.race([Promise.all(sockets.map(closed)), grace]), "requests");
    } catch (error) {
      logger.error({ err: error }, "shutdown: onUpgraded failed");
    }
  }
  for (const socket of server.upgradedSockets()) endSoon(socket);
}

async function closed(socket: Duplex): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
}
