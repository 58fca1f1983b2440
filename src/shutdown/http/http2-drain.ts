// The HTTP/2 sessions of one server: their open streams, and how a session ends in a drain.
import type { Http2Session, ServerHttp2Stream } from "node:http2";
import type { Server } from "node:net";
import { now } from "../../base/time.js";
import { ConnectionMap } from "./connection-map.js";
import type { Connections } from "./connections.js";
import { earlierSessions } from "./earlier-connections.js";
import { type OpenRequest, openRequest } from "./open-request.js";

interface Session {
  readonly open: Map<ServerHttp2Stream, OpenStream>;
  readonly onStream: (stream: ServerHttp2Stream, headers: StreamHeaders) => void;
}

interface OpenStream {
  readonly headers: StreamHeaders;
  readonly since: number;
}

interface StreamHeaders {
  readonly ":method"?: string | undefined;
  readonly ":path"?: string | undefined;
}

// NGHTTP2_NO_ERROR. To load node:http2 for this number would cost every process 5 to 10 ms at its start.
const noError = 0;

export class Http2Drain implements Connections {
  private readonly sessions: ConnectionMap<Http2Session, Session>;
  private closing = false;

  constructor(
    private readonly server: Server,
    onClosed: () => void,
  ) {
    this.sessions = new ConnectionMap(onClosed);
    server.on("session", this.connected);
    for (const session of earlierSessions(server)) this.connected(session);
  }

  get size(): number {
    return this.sessions.size;
  }

  // HTTP/2 has no `Connection: close`. A GOAWAY makes the client open another connection at once, which would lead to this
  // process again while the listener is open. So it is sent when the listener closes.
  announce(): void {}

  close(): void {
    this.closing = true;
    for (const [session] of this.sessions.all()) goAway(session);
  }

  sweep(): void {}

  openRequests(): OpenRequest[] {
    return this.sessions
      .all()
      .flatMap(([, { open }]) => [...open.values()])
      .map(({ headers, since }) => openRequest(headers[":method"], headers[":path"], since));
  }

  force(): number {
    const all = this.sessions.all();
    for (const [session] of all) session.destroy();
    return all.filter(([, { open }]) => open.size > 0).length;
  }

  uninstall(): void {
    this.server.off("session", this.connected);
    for (const [session, { onStream }] of this.sessions.all()) session.off("stream", onStream);
    this.sessions.clear();
  }

  private readonly connected = (session: Http2Session): void => {
    const open: Session["open"] = new Map();
    const onStream: Session["onStream"] = (stream, headers) => {
      open.set(stream, { headers, since: now() });
      stream.once("close", () => open.delete(stream));
    };
    session.on("stream", onStream);
    this.sessions.add(session, { open, onStream });
    if (this.closing) goAway(session);
  };
}

/** Asks the client to open no more streams, and closes the session when the open ones have ended. */
function goAway(session: Http2Session): void {
  if (session.destroyed || session.closed) return;
  // close() alone sends no GOAWAY before Node 24: clients would go on to open streams, which are then refused.
  session.goaway(noError);
  session.close();
}
