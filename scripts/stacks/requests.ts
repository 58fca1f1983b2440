// The requests to the app of a stack, and what its tasks have written.
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Stack } from "./description.js";

/** Sends the request with this number. Throws if it fails. */
export type Send = (n: number) => Promise<void>;

/** What sends the requests of a stack: its own client, or one POST for each. */
export async function sender(stack: Stack, project: string, url: string): Promise<Send> {
  const client = path.join(project, "client.mjs");
  const paths = [stack.request ?? "/work/"].flat();
  const request: (url: string, n: number) => Promise<Response> = existsSync(client)
    ? (await import(pathToFileURL(client).href)).request
    : (to, n) => fetch(`${to}${paths[n % paths.length]}${n}`, { method: "POST" });
  return async (n) => {
    const response = await request(url, n);
    const text = await response.text();
    if (!response.ok) throw new Error(`request ${n} failed: ${response.status} ${text.slice(0, 500)}`);
  };
}

/** The lines that tasks have written: the number of the request, then perhaps the id of the task. */
export function linesOf(output: string): string[] {
  return existsSync(output) ? readFileSync(output, "utf8").split("\n").filter(Boolean) : [];
}
