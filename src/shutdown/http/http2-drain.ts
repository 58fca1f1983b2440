// The HTTP/2 sessions of one server: their open streams, and how a session ends in a drain.
import { constants, type Http2Session, type ServerHttp2Stream } from "node:http2";
import type { Server } from "node:net";
import { type OpenRequest, pathOf } from "../steps/report.js";
import type { Connections } from "./connections.js";

interface Session {
  readonly open: Map<ServerHttp2Stream, OpenStream>;
  readonly onStream: (stream: ServerHttp2Stream, headers: StreamHeaders) => void;
  readonly forget: () => void;
}

interface OpenStream {
  readonly method: string;
  readonly path: string;
  readonly since: number;
}

interface StreamHeaders {
  readonly ":method"?: string | undefined;
  readonly ":path"?: string | undefined;
}

export class Http2Drain implements Connections {
  private readonly sessions = new Map<Http2Session, Session>();
  private closing = false;

  constructor(
    private readonly server: Server,
    private readonly onGone: () => void,
  ) {
    server.on("session", this.connected);
  }

  get size(): number {
    return this.sessions.size;
  }

  // HTTP/2 has no `Connection: close`, and a GOAWAY makes the client open another connection at once: while the listener is
  // open that would be to this process again, so it is sent when the listener closes.
  announce(): void {}

  close(): void {
    this.closing = true;
    for (const session of this.sessions.keys()) leave(session);
  }

  sweep(): void {}

  openRequests(): OpenRequest[] {
    const now = performance.now();
    return [...this.sessions.values()].flatMap(({ open }) =>
      [...open.values()].map(({ method, path, since }) => ({ method, path, forMs: now - since })),
    );
  }

  force(): number {
    const all = [...this.sessions];
    for (const [session] of all) session.destroy();
    return all.filter(([, { open }]) => open.size > 0).length;
  }

  uninstall(): void {
    this.server.off("session", this.connected);
    for (const [session, { onStream, forget }] of this.sessions) {
      session.off("stream", onStream);
      session.off("close", forget);
    }
    this.sessions.clear();
  }

  private readonly connected = (session: Http2Session): void => {
    const open = new Map<ServerHttp2Stream, OpenStream>();
    const onStream = (stream: ServerHttp2Stream, headers: StreamHeaders): void => {
      const [method = "", path] = [headers[":method"], headers[":path"]];
      open.set(stream, { method, path: pathOf(path), since: performance.now() });
      stream.once("close", () => open.delete(stream));
    };
    const forget = (): void => {
      this.sessions.delete(session);
      this.onGone();
    };
    session.on("stream", onStream);
    session.on("close", forget);
    this.sessions.set(session, { open, onStream, forget });
    if (this.closing) leave(session);
  };
}

/** Tells the client to open no more streams, and closes the session when those that are open have ended. */
function leave(session: Http2Session): void {
  if (session.destroyed || session.closed) return;
  // close() alone sends no GOAWAY before Node 24: clients would go on opening streams that are then refused.
  session.goaway(constants.NGHTTP2_NO_ERROR);
  session.close();
}
