// Answers for health checks: plain (req, res) handlers, which every framework can call or be given.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";

/** A handler for `node:http`, Express, or with `.raw` objects any other framework. */
export type Probe = (req: IncomingMessage | Http2ServerRequest, res: ServerResponse | Http2ServerResponse) => void;

/** 200 while `isReady`, else 503: a load balancer sends no more requests, the process is not restarted for it. */
export function readinessProbe(isReady: () => boolean): Probe {
  return (_req, res) => (isReady() ? answer(res, 200, "ready") : answer(res, 503, "shutting down"));
}

/** 200 as long as the event loop turns, during a shutdown too: a failing one would have the process killed. */
export function livenessProbe(): Probe {
  return (_req, res) => answer(res, 200, "alive");
}

function answer(res: ServerResponse | Http2ServerResponse, status: number, text: string): void {
  res.statusCode = status;
  res.setHeader("Content-Type", "text/plain; charset=utf-8");
  // A cached "ready" would outlive the shutdown.
  res.setHeader("Cache-Control", "no-store");
  res.end(`${text}\n`);
}
