// How everything is answered: with headers that leave a browser no way to run, frame, guess or keep anything.
import type { NodeResponse } from "./exchange.js";

// Nothing inline, nothing from elsewhere. Styles of elements are set by script, which this allows.
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const always: Readonly<Record<string, string>> = {
  "Content-Security-Policy": policy,
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  // no-transform: a proxy or middleware that compresses would hold the events back.
  "Cache-Control": "no-store, no-transform",
};

export function setHeaders(
  res: NodeResponse,
  status: number,
  type: string,
  more: Readonly<Record<string, string>> = {},
): void {
  res.statusCode = status;
  for (const [name, value] of Object.entries({ ...always, "Content-Type": type, ...more })) res.setHeader(name, value);
}

export function answerText(
  res: NodeResponse,
  status: number,
  text: string,
  more?: Readonly<Record<string, string>>,
): void {
  setHeaders(res, status, "text/plain; charset=utf-8", more);
  res.end(`${text}\n`);
}

export function answerJson(res: NodeResponse, status: number, value: unknown): void {
  setHeaders(res, status, "application/json; charset=utf-8");
  res.end(JSON.stringify(value));
}
