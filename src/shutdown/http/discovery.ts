// Servers that nobody has named: one that has clients or handles a request is known, also where a framework hides it (Next.js,
// Nitro).
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Server } from "node:net";
import { serversWithClients } from "./earlier-connections.js";

// Announces each request of node:http and node:https; HTTP/2 has no such channel with a server in it.
const requestStart = "http.server.request.start";

export class ServerDiscovery {
  private readonly seen = new WeakSet<Server>();
  private watching = false;

  /** @param found called with each server once: at the start if it has clients, otherwise at its first request */
  constructor(private readonly found: (server: Server) => void) {}

  start(): void {
    if (this.watching) return;
    this.watching = true;
    subscribe(requestStart, this.started);
    for (const server of serversWithClients()) this.note(server);
  }

  stop(): void {
    if (this.watching) unsubscribe(requestStart, this.started);
    this.watching = false;
  }

  private readonly started = (message: unknown): void => {
    this.note((message as { server: Server }).server);
  };

  private note(server: Server): void {
    if (this.seen.has(server)) return;
    this.seen.add(server);
    this.found(server);
  }
}
