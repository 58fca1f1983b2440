// Where a request comes from: from this machine, and from the page itself.
import type { IncomingHttpHeaders } from "node:http";
import type { NodeRequest } from "./exchange.js";

const localHosts = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i;
const forwarding = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"];

/**
 * Whether a request was made on this machine, by its owner. Behind a proxy on the same machine every peer is local, so nothing may
 * say that it was forwarded. A page elsewhere whose name was pointed here (DNS rebinding) has its own name as Host.
 */
export function isLocal(req: NodeRequest): boolean {
  const peer = req.socket?.remoteAddress ?? "";
  const loopback = /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(peer) || peer === "::1";
  return loopback && localHosts.test(hostOf(req.headers)) && !isForwarded(req.headers);
}

function isForwarded(headers: IncomingHttpHeaders): boolean {
  return Object.keys(headers).some((name) => forwarding.includes(name) || name.startsWith("x-forwarded-"));
}

/**
 * Whether the page itself sent a command. Other sites cannot send our header without being asked first, which nobody answers.
 * Browsers leave `Sec-Fetch-Site` out on plain http to a private address; then the Origin has to have the Host's name.
 */
export function isOwnCommand({ headers }: NodeRequest): boolean {
  if (headers["x-after-response"] !== "1") return false;
  const site = headers["sec-fetch-site"];
  return site === undefined ? hasOwnOrigin(headers) : site === "same-origin";
}

/** Whether another site makes the browser ask. It could not read the answer, but could hold streams open. */
export function isOfOtherSite({ headers }: NodeRequest): boolean {
  const site = headers["sec-fetch-site"];
  if (site === undefined) return headers.origin !== undefined && !hasOwnOrigin(headers);
  return site !== "same-origin" && site !== "none";
}

function hasOwnOrigin(headers: IncomingHttpHeaders): boolean {
  const host = hostOf(headers).toLowerCase();
  return (
    host !== "" && /^https?:\/\//.test(headers.origin ?? "") && headers.origin?.split("/")[2]?.toLowerCase() === host
  );
}

/** HTTP/2 has it as a pseudo-header. */
function hostOf(headers: IncomingHttpHeaders): string {
  const authority = headers[":authority"];
  return headers.host ?? (typeof authority === "string" ? authority : "");
}
