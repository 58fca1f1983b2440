import { createServer } from "node:http";
import { createOffloader } from "offload-after-response";
import type * as tasks from "./workers/tasks.js";

const offloader = createOffloader<typeof tasks>({ tasks: "./workers/tasks.js" });
const server = createServer((req, res) => {
  if (req.method === "POST") {
    offloader.offloadAfterResponse(res, "write", { n: String(req.url).split("/").pop() ?? "" });
  }
  res.writeHead(202).end();
});
server.listen(Number(process.env.PORT), "127.0.0.1");
offloader.shutdownOnSignals(server);
