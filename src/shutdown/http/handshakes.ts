// The connections of a TLS server that have not finished the handshake. No request can be on them, and node:https does not
// count them among its connections: one silent client would hold the server open for two minutes.
import type { Duplex } from "node:stream";
import type { Server as TlsServer } from "node:tls";
import { now } from "../../base/time.js";
import { ConnectionMap } from "./connection-map.js";
import { type Connections, partialGrace } from "./connections.js";
import type { OpenRequest } from "./open-request.js";

export class Handshakes implements Connections {
  /** Each with the time when it began. */
  private readonly pending: ConnectionMap<Duplex, number>;
  private closing = false;

  constructor(
    private readonly server: TlsServer,
    onClosed: () => void,
  ) {
    this.pending = new ConnectionMap(onClosed);
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
    for (const [socket, since] of this.pending.all()) {
      if (now() - since >= partialGrace) socket.destroy();
    }
  }

  openRequests(): OpenRequest[] {
    return [];
  }

  force(): number {
    for (const [socket] of this.pending.all()) socket.destroy();
    return 0;
  }

  uninstall(): void {
    this.server.off("connection", this.connected);
    this.server.off("secureConnection", this.secured);
    this.pending.clear();
  }

  private readonly connected = (socket: Duplex): void => {
    this.pending.add(socket, now());
  };

  // `_parent` is the only way to learn which socket a TLSSocket stands on; it is as old as the class.
  private readonly secured = ({ _parent: socket }: { readonly _parent?: Duplex }): void => {
    if (socket !== undefined) this.pending.remove(socket);
  };
}
