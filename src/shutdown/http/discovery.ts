// Servers that nobody has named: one that handles a request is known, also where a framework hides it (Next.js, Nitro).
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ServerResponse } from "node:http";
import type { Server } from "node:net";

// Announces each request of node:http and node:https; HTTP/2 has no such channel with a server in it.
const requestStart = "http.server.request.start";

export class ServerDiscovery {
  private readonly seen = new WeakSet<Server>();
  private watching = false;

  /** @param found called with each server at its first request, once */
  constructor(private readonly found: (server: Server, response: ServerResponse) => void) {}

  start(): void {
    if (!this.watching) subscribe(requestStart, this.started);
    this.watching = true;
  }

  stop(): void {
    if (this.watching) unsubscribe(requestStart, this.started);
    this.watching = false;
  }

  private readonly started = (message: unknown): void => {
    const { server, response } = message as { server: Server; response: ServerResponse };
    if (this.seen.has(server)) return;
    this.seen.add(server);
    this.found(server, response);
  };
}
