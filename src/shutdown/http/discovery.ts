// Servers that nobody has named, also where a framework hides its own (Next.js, Nitro, SvelteKit): each HTTP server that
// listens is found, before or after the discovery begins.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { Server, Socket } from "node:net";
import { activeHandles } from "../../base/open-responses.js";
import { speaksHttp1, speaksHttp2 } from "./servers.js";

// A server begins to listen.
const listening = "tracing:net.server.listen:asyncEnd";
// A server accepts a connection: one that listened before, and was not among the active handles (`unref()`, node:cluster).
const connected = "net.server.socket";
// A request of node:http or node:https: a server that is handed its connections and does not listen itself.
const requested = "http.server.request.start";

export class ServerDiscovery {
  /** Each with what takes the listener for its end away. */
  private readonly known = new Map<Server, () => void>();
  private watching = false;

  /**
   * @param found called with each server, once until it closes
   * @param gone called with each when it has closed
   */
  constructor(
    private readonly found: (server: Server) => void,
    private readonly gone: (server: Server) => void,
  ) {}

  start(): void {
    if (this.watching) return;
    this.watching = true;
    subscribe(listening, this.onListening);
    subscribe(connected, this.onConnected);
    subscribe(requested, this.onListening);
    for (const handle of activeHandles()) {
      // A server that has stopped listening is found only through its sockets.
      this.note(handle instanceof Socket ? Reflect.get(handle, "server") : handle);
    }
  }

  stop(): void {
    if (!this.watching) return;
    this.watching = false;
    unsubscribe(listening, this.onListening);
    unsubscribe(connected, this.onConnected);
    unsubscribe(requested, this.onListening);
    for (const forget of this.known.values()) forget();
    this.known.clear();
  }

  private readonly onListening = (message: unknown): void => {
    this.note((message as { server: unknown }).server);
  };

  private readonly onConnected = (message: unknown): void => {
    const { socket } = message as { socket: { server?: unknown } };
    this.note(socket.server);
  };

  private note(server: unknown): void {
    if (!(server instanceof Server) || this.known.has(server)) return;
    if (!speaksHttp1(server) && !speaksHttp2(server)) return;
    const onClose = (): void => {
      this.known.delete(server);
      this.gone(server);
    };
    this.known.set(server, () => server.off("close", onClose));
    server.once("close", onClose);
    this.found(server);
  }
}
