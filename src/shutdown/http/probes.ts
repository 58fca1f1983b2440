// Answers for health checks: plain (req, res) handlers, which every framework can call.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";

/** A handler for `node:http` and Express, and for any other framework with the raw request and response. */
export type Probe = (req: IncomingMessage | Http2ServerRequest, res: ServerResponse | Http2ServerResponse) => void;

/**
 * Answers 200, or 503 with the reason: load balancers then send no more requests, and the process is not restarted.
 *
 * @param whyNot why the process is not ready; undefined where it is
 */
export function readinessProbe(whyNot: () => string | undefined): Probe {
  return (_req, res) => {
    const reason = whyNot();
    if (reason === undefined) answer(res, 200, "ready");
    else answer(res, 503, reason);
  };
}

/** Answers 200 while the event loop turns, also during a shutdown: the platform kills a process whose liveness fails. */
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
