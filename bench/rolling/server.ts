// One of the two servers: takes orders and runs a task for each after the response. Arguments: the method of shutting it
// down, the port, the ledger file, drainDelay in ms.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import type { Install } from "./methods/method.js";

const [name = "", port, ledger = "", drainDelay] = process.argv.slice(2);

async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(req.url ?? "/", "http://localhost");
  if (pathname === "/readyz") return method.readyz(req, res);
  const id = await text(req);
  await sleep(Number(searchParams.get("slow") ?? 0));
  method.dispatch(res, { id, ledger, ms: 250 });
  res.writeHead(202).end();
}

const server = createServer((req, res) => {
  handle(req, res).catch((error: { statusCode?: number }) => res.writeHead(error.statusCode ?? 500).end());
});
// Only the one that is asked for: each brings its own signal handlers and threads.
const { install }: { install: Install } = await import(`./methods/${name}.ts`);
const method = await install(server, Number(drainDelay));
server.listen(Number(port), "127.0.0.1", () => console.log("listening"));
