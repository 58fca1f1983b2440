// The drain of one server: its listener, its connections of every kind, and when none is left.
import type { AddressInfo, Server } from "node:net";
import type { Duplex } from "node:stream";
import { type Deferred, deferred } from "../../base/deferred.js";
import { clearTicker, setTicker, type Timer } from "../../base/time.js";
import type { Connections } from "./connections.js";
import { Handshakes } from "./handshakes.js";
import { Http1Drain } from "./http1-drain.js";
import { Http2Drain } from "./http2-drain.js";
import type { OpenRequest } from "./open-request.js";
import { speaksHttp1, speaksHttp2, speaksTls } from "./servers.js";

/** How often quiet connections are looked for, in ms. */
const sweepInterval = 100;

export class ServerDrain {
  /** Resolves when the listener is closed and no connection is left. */
  readonly drained: Promise<void>;
  private readonly whenDrained: Deferred<void> = deferred();
  private readonly http1: Http1Drain | undefined;
  private readonly kinds: readonly Connections[];
  /** Of its listener, when this drain was made. */
  private readonly address: string | AddressInfo | null;
  private sweeper: Timer | undefined;
  private closing = false;
  /** There is no listener, and none of the connections that it accepted. */
  private listenerClosed = false;

  constructor(readonly server: Server) {
    this.drained = this.whenDrained.promise;
    this.address = server.address();
    const onClosed = (): void => this.resolveIfDrained();
    this.http1 = speaksHttp1(server) ? new Http1Drain(server, onClosed) : undefined;
    const http2 = speaksHttp2(server) ? new Http2Drain(server, onClosed) : undefined;
    const handshakes = speaksTls(server) ? new Handshakes(server, onClosed) : undefined;
    this.kinds = [this.http1, http2, handshakes].filter((kind) => kind !== undefined);
  }

  /** From now on clients are asked to leave, and are still served. */
  announce(): void {
    for (const kind of this.kinds) kind.announce();
    this.sweeper ??= setTicker(() => this.sweep(), sweepInterval);
  }

  /** Closes the listener, or the one that the server opens later. Connections close when they have been quiet for a while. */
  close(): void {
    if (this.closing) return;
    this.closing = true;
    for (const kind of this.kinds) kind.close();
    this.server.on("listening", this.closeListener);
    if (this.server.listening) this.closeListener();
    else this.noteListenerClosed();
    this.sweep();
  }

  /** "port 3000", or the path of its socket. It stays known after a framework has closed its server itself. */
  get where(): string {
    const address = this.server.address() ?? this.address;
    if (address === null) return "a closed port";
    return typeof address === "string" ? address : `port ${address.port}`;
  }

  openRequests(): OpenRequest[] {
    return this.kinds.flatMap((kind) => kind.openRequests());
  }

  /** The sockets that were upgraded and are still open. */
  upgradedSockets(): Duplex[] {
    return this.http1?.upgradedSockets() ?? [];
  }

  /** Closes every connection now. Returns how many of them had a request open. */
  force(): number {
    const forced = this.kinds.reduce((sum, kind) => sum + kind.force(), 0);
    // Only the server knows a connection that was made before this drain was set up and has been silent since.
    callIfPresent(this.server, "closeAllConnections");
    return forced;
  }

  /** Takes every listener away. A listener that was closed stays closed. */
  uninstall(): void {
    clearTicker(this.sweeper);
    this.server.off("listening", this.closeListener);
    for (const kind of this.kinds) kind.uninstall();
  }

  private sweep(): void {
    for (const kind of this.kinds) kind.sweep();
    if (this.closing && this.connectionCount === 0) callIfPresent(this.server, "closeIdleConnections");
  }

  private readonly closeListener = (): void => {
    this.listenerClosed = false;
    keepingIdleConnections(this.server, () => this.server.close(() => this.noteListenerClosed()));
  };

  private noteListenerClosed(): void {
    this.listenerClosed = true;
    this.resolveIfDrained();
  }

  private get connectionCount(): number {
    return this.kinds.reduce((sum, kind) => sum + kind.size, 0);
  }

  private resolveIfDrained(): void {
    if (!this.closing || !this.listenerClosed || this.connectionCount > 0) return;
    clearTicker(this.sweeper);
    this.whenDrained.resolve();
  }
}

/**
 * From Node 19 on, `close()` of an HTTP server destroys every connection between two requests, also one that was used a
 * millisecond ago and has the next request on its way. The drain closes them itself, once they have been quiet for a while.
 */
function keepingIdleConnections(server: Server, close: () => void): void {
  const own = Object.getOwnPropertyDescriptor(server, "closeIdleConnections");
  Object.defineProperty(server, "closeIdleConnections", { value: () => {}, configurable: true, writable: true });
  try {
    close();
  } finally {
    Reflect.deleteProperty(server, "closeIdleConnections");
    if (own !== undefined) Object.defineProperty(server, "closeIdleConnections", own);
  }
}

function callIfPresent(server: Server, method: "closeIdleConnections" | "closeAllConnections"): void {
  const found: unknown = Reflect.get(server, method);
  if (typeof found === "function") Reflect.apply(found, server, []);
}
