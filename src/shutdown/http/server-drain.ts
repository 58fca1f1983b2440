// The drain of one server: its listener, its connections of every kind, and when none is left.
import type { Server } from "node:net";
import type { Duplex } from "node:stream";
import type { OpenRequest } from "../steps/report.js";
import type { Connections } from "./connections.js";
import { Handshakes } from "./handshakes.js";
import { HttpDrain } from "./http1-drain.js";
import { Http2Drain } from "./http2-drain.js";
import { speaksHttp1, speaksHttp2, speaksTls } from "./servers.js";

/** How often quiet connections are looked for, in ms. */
const sweepInterval = 100;

export class ServerDrain {
  /** Resolves when the listener is closed and no connection is left. */
  readonly drained: Promise<void>;
  private readonly http1: HttpDrain | undefined;
  private readonly kinds: readonly Connections[];
  private resolveDrained: () => void = () => {};
  private sweeper: NodeJS.Timeout | undefined;
  private closing = false;
  /** No listener, and none of the connections it accepted. */
  private listenerGone = false;

  constructor(private readonly server: Server) {
    this.drained = new Promise((resolve) => {
      this.resolveDrained = resolve;
    });
    const onGone = (): void => this.check();
    this.http1 = speaksHttp1(server) ? new HttpDrain(server, onGone) : undefined;
    const http2 = speaksHttp2(server) ? new Http2Drain(server, onGone) : undefined;
    const handshakes = speaksTls(server) ? new Handshakes(server, onGone) : undefined;
    this.kinds = [this.http1, http2, handshakes].filter((kind) => kind !== undefined);
  }

  /** From now on clients are told to leave, and still served. */
  announce(): void {
    for (const kind of this.kinds) kind.announce();
    this.sweeper ??= setInterval(() => this.sweep(), sweepInterval);
  }

  /** Closes the listener; if there is none yet, closes it as soon as there is. Connections close as they fall quiet. */
  close(): void {
    if (this.closing) return;
    this.closing = true;
    for (const kind of this.kinds) kind.close();
    this.server.on("listening", this.closeListener);
    if (this.server.listening) this.closeListener();
    else this.gone();
    this.sweep();
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
    // What connected before this drain was set up and has been silent since is known to the server alone.
    callIfPresent(this.server, "closeAllConnections");
    return forced;
  }

  /** Takes every listener away. A listener that was closed stays closed. */
  uninstall(): void {
    clearInterval(this.sweeper);
    this.server.off("listening", this.closeListener);
    for (const kind of this.kinds) kind.uninstall();
  }

  private sweep(): void {
    for (const kind of this.kinds) kind.sweep();
    if (this.closing && this.known === 0) callIfPresent(this.server, "closeIdleConnections");
  }

  private readonly closeListener = (): void => {
    this.listenerGone = false;
    keepingIdleConnections(this.server, () => this.server.close(() => this.gone()));
  };

  private gone(): void {
    this.listenerGone = true;
    this.check();
  }

  private get known(): number {
    return this.kinds.reduce((sum, kind) => sum + kind.size, 0);
  }

  private check(): void {
    if (!this.closing || !this.listenerGone || this.known > 0) return;
    clearInterval(this.sweeper);
    this.resolveDrained();
  }
}

/**
 * From Node 19 on, `close()` of an HTTP server destroys every connection between two requests, also one that was used a
 * millisecond ago and has the next request on its way. Here they are closed once they have been quiet for a while.
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
