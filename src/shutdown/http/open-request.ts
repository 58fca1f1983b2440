// A request that waits for its response, as the log and the listeners of a shutdown see it.
import { now } from "../../base/time.js";

/** A request that has no complete response yet. */
export interface OpenRequest {
  /** Its method, such as `GET`. */
  readonly method: string;
  /** Without the query, which may hold secrets. */
  readonly path: string;
  /** How long it has been open, in ms. */
  readonly forMs: number;
}

/** @param since when it began, on the clock of `now()` */
export function openRequest(method: string | undefined, url: string | undefined, since: number): OpenRequest {
  return { method: method ?? "", path: pathOf(url), forMs: now() - since };
}

/** The path of a request without its query. */
export function pathOf(url: string | undefined): string {
  return (url ?? "").split("?", 1)[0] ?? "";
}
