// The connections of a TLS server that have not finished the handshake. No request can be on them, and node:https does not
// count them among its connections: one silent client would hold the server open for two minutes.
import type { Duplex } from "node:stream";
import type { Server as TlsServer } from "node:tls";
import type { OpenRequest } from "../steps/report.js";
import { type Connections, partialGrace } from "./connections.js";

interface Handshake {
  readonly since: number;
  readonly forget: () => void;
}

export class Handshakes implements Connections {
  private readonly pending = new Map<Duplex, Handshake>();
  private closing = false;

  constructor(
    private readonly server: TlsServer,
    private readonly onGone: () => void,
  ) {
    server.on("connection", this.connected);
    server.on("secureConnection", this.secured);
  }

  get size(): number {
    return this.pending.size;
  }

  announce(): void {}

  close(): void {
    this.closing = true;
  }

  sweep(): void {
    if (!this.closing) return;
    const now = performance.now();
    for (const [socket, { since }] of this.pending) {
      if (now - since >= partialGrace) socket.destroy();
    }
  }

  openRequests(): OpenRequest[] {
    return [];
  }

  force(): number {
    for (const socket of [...this.pending.keys()]) socket.destroy();
    return 0;
  }

  uninstall(): void {
    this.server.off("connection", this.connected);
    this.server.off("secureConnection", this.secured);
    for (const socket of [...this.pending.keys()]) this.drop(socket);
  }

  private readonly connected = (socket: Duplex): void => {
    const forget = (): void => {
      this.drop(socket);
      this.onGone();
    };
    this.pending.set(socket, { since: performance.now(), forget });
    socket.on("close", forget);
  };

  // A TLSSocket names the socket below it only here; the name is as old as the class.
  private readonly secured = (socket: Duplex & { readonly _parent?: unknown }): void => {
    for (const raw of this.pending.keys()) {
      if (raw === socket._parent) this.drop(raw);
    }
  };

  private drop(socket: Duplex): void {
    const handshake = this.pending.get(socket);
    if (handshake === undefined) return;
    socket.off("close", handshake.forget);
    this.pending.delete(socket);
  }
}
