// Bare node:http2, without TLS as behind a proxy: as node:http, with its own types.
import { createServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { AddressInfo } from "node:net";
import { setImmediate as pause } from "node:timers/promises";
import { createOffloader } from "offload-after-response";
import type * as tasks from "./workers/tasks.js";

const offloader = createOffloader<typeof tasks>({ tasks: new URL("./workers/tasks.js", import.meta.url) });
const { offloadAfterResponse, afterEachResponse } = offloader;

const note = afterEachResponse<Http2ServerRequest, Http2ServerResponse>((req, _res, { kind, statusCode }) => {
  console.log(req.method, req.url, kind, statusCode);
});

async function handle(req: Http2ServerRequest, res: Http2ServerResponse): Promise<void> {
  const [, kind, name = ""] = req.url.split("/");
  if (kind === "photos") offloadAfterResponse(res, "makeThumbnail", { photo: name });
  else if (kind === "albums") await saveAlbum(res, name);
  res.writeHead(kind === "photos" || kind === "albums" ? 202 : 404).end();
}

// Node 20 does not announce HTTP/2 requests, so `res` is handed on; newer versions find it without.
async function saveAlbum(res: Http2ServerResponse, name: string): Promise<void> {
  await pause();
  offloadAfterResponse(res, "makeThumbnail", { photo: `the cover of ${name}` });
}

await offloader.ready();
const server = createServer((req, res) => {
  note(req, res, () => handle(req, res).catch(({ statusCode = 500 }) => res.writeHead(statusCode).end()));
});
server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  console.log(`listening ${(server.address() as AddressInfo).port}`);
});
offloader.shutdownOnSignals(server);
