// Bare node:http: what afterEachResponse returns is called with the request, the response, and what comes next.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as pause } from "node:timers/promises";
import { createOffloader } from "offload-after-response";
import type * as tasks from "./workers/tasks.js";

const offloader = createOffloader<typeof tasks>({ tasks: new URL("./workers/tasks.js", import.meta.url) });
const { offloadAfterResponse, afterEachResponse } = offloader;

const note = afterEachResponse((req, _res, { kind, statusCode }) => console.log(req.method, req.url, kind, statusCode));

async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const [, kind, name = ""] = req.url?.split("/") ?? [];
  if (kind === "photos") offloadAfterResponse(res, "makeThumbnail", { photo: name });
  else if (kind === "albums") await saveAlbum(name);
  res.writeHead(kind === "photos" || kind === "albums" ? 202 : 404).end();
}

// Far from the handler nobody has `res`. It is found, after an await too.
async function saveAlbum(name: string): Promise<void> {
  await pause();
  offloadAfterResponse("makeThumbnail", { photo: `the cover of ${name}` });
}

await offloader.ready();
const server = createServer((req, res) => {
  note(req, res, () => handle(req, res).catch(({ statusCode = 500 }) => res.writeHead(statusCode).end()));
});
server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  console.log(`listening ${(server.address() as AddressInfo).port}`);
});
offloader.shutdownOnSignals(server);
