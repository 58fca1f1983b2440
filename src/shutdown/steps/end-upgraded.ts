// How the upgraded sockets of a server (WebSockets, CONNECT) end in a shutdown: the user's hook, then the rest.
import type { Duplex } from "node:stream";
import type { Logger } from "../../base/logger.js";
import { now } from "../../base/time.js";
import { endSoon } from "../http/connections.js";
import type { Deadline } from "./deadline.js";

/** How long upgraded sockets may take to close by themselves after the user's hook, in ms. */
const closingGrace = 2_000;

/** A server whose upgraded sockets are known. */
interface UpgradedSockets {
  upgradedSockets(): Duplex[];
}

/**
 * Ends the upgraded sockets of a server: first the user's hook, a while later those that are still open.
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
      await deadline.within(Promise.all(sockets.map(closed)), "requests", now() + closingGrace);
    } catch (error) {
      logger.error({ err: error }, "shutdown: onUpgraded failed");
    }
  }
  for (const socket of server.upgradedSockets()) endSoon(socket);
}

async function closed(socket: Duplex): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
}
