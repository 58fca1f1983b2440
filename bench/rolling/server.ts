// One of the two servers: takes orders and runs a task for each after the response. Arguments: port, ledger file, drainDelay
// in ms.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { createOffloader } from "after-response";
import type * as tasks from "./tasks.js";

const [port, ledger = "", drainDelay] = process.argv.slice(2);

const offloader = createOffloader<typeof tasks>({
  tasks: new URL("./tasks.js", import.meta.url),
  pool: { maxThreads: 2 },
});

async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(req.url ?? "/", "http://localhost");
  if (pathname === "/readyz") return shutdown.readiness(req, res);
  const id = await text(req);
  await sleep(Number(searchParams.get("slow") ?? 0));
  offloader.offloadAfterResponse(res, "fulfil", { id, ledger, ms: 1 });
  res.writeHead(202).end();
}

const server = createServer((req, res) => {
  handle(req, res).catch((error: { statusCode?: number }) => res.writeHead(error.statusCode ?? 500).end());
});
const shutdown = offloader.shutdownOnSignals(server, { drainDelay: Number(drainDelay), platformGrace: 60_000 });

await offloader.ready();
server.listen(Number(port), "127.0.0.1", () => console.log("listening"));
