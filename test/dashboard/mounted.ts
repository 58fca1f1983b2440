// The page of a real offloader on a server of node:http, and requests to it with any headers.
import http, { type IncomingHttpHeaders, type RequestListener } from "node:http";
import type { Offloader } from "offload-after-response";
import { type DashboardOptions, dashboard } from "offload-after-response/dashboard";
import { listen } from "../support/http.js";
import { type Watched, type WatchedOptions, watch } from "../support/offloader.js";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Mounted {
  readonly watched: Watched;
  readonly offloader: Offloader;
  readonly port: number;
  readonly url: string;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  /** As the page sends it. */
  act(query: string, headers?: Record<string, string | undefined>, body?: string): Promise<Answer>;
}

const full: DashboardOptions = { access: () => "full" };

/** Mounted at /admin/tasks/. */
export async function mounted(options: DashboardOptions = full, offloads: WatchedOptions = {}): Promise<Mounted> {
  const watched = watch("tasks.mjs", offloads);
  const port = await serve(dashboard(watched.offloader, options) as RequestListener);
  return { watched, offloader: watched.offloader, ...clientOf(port) };
}

export function serve(handler: RequestListener): Promise<number> {
  return listen(http.createServer(handler));
}

export function clientOf(port: number): Pick<Mounted, "port" | "url" | "get" | "act"> {
  return {
    port,
    url: `http://127.0.0.1:${port}/admin/tasks/`,
    get: (path, headers = {}) => send(port, "GET", path, headers),
    act: (query, headers = {}, body) =>
      send(
        port,
        "POST",
        `act?${query}`,
        { "x-after-response": "1", "sec-fetch-site": "same-origin", ...headers },
        body,
      ),
  };
}

/** @param path from /admin/tasks/ on, or absolute */
export function send(
  port: number,
  method: string,
  path: string,
  headers: Readonly<Record<string, string | undefined>> = {},
  body = "",
): Promise<Answer> {
  const given = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        host: "127.0.0.1",
        port,
        method,
        path: path.startsWith("/") ? path : `/admin/tasks/${path}`,
        headers: Object.fromEntries(given),
        agent: false,
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

/** An open page: the events that it is told. */
export class Reader {
  readonly events: { readonly event: string; readonly data: Record<string, unknown> }[] = [];
  readonly closed: Promise<void>;
  readonly #request: http.ClientRequest;
  readonly #watchers = new Set<() => void>();
  #text = "";

  private constructor(request: http.ClientRequest, response: http.IncomingMessage) {
    this.#request = request;
    response.setEncoding("utf8").on("data", (chunk: string) => this.#read(chunk));
    this.closed = new Promise((resolve) => response.on("close", () => resolve()));
    response.on("error", () => {});
  }

  static open(port: number): Promise<Reader> {
    return new Promise((resolve, reject) => {
      const request = http.get({ host: "127.0.0.1", port, path: "/admin/tasks/events", agent: false }, (response) => {
        if (response.statusCode === 200) resolve(new Reader(request, response));
        else reject(new Error(`answered ${response.statusCode}`));
      });
      request.on("error", reject);
    });
  }

  close(): void {
    this.#request.destroy();
  }

  /** The first event that matches, past or to come. */
  event(
    name: string,
    matches: (data: Record<string, unknown>) => boolean = () => true,
  ): Promise<Record<string, unknown>> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = this.events.find(({ event, data }) => event === name && matches(data));
        if (found === undefined) return;
        this.#watchers.delete(look);
        resolve(found.data);
      };
      this.#watchers.add(look);
      look();
    });
  }

  #read(chunk: string): void {
    this.#text += chunk;
    const blocks = this.#text.split("\n\n");
    this.#text = blocks.pop() ?? "";
    for (const block of blocks) {
      const [event = "", data = ""] = block.split("\n").map((line) => line.slice(line.indexOf(": ") + 2));
      this.events.push({ event, data: JSON.parse(data) ?? {} });
    }
    for (const look of [...this.#watchers]) look();
  }
}
