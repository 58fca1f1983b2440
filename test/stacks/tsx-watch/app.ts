import { createServer } from "node:http";
import { createOffloader } from "offload-after-response";
import type * as tasks from "./workers/tasks.ts";

const offloader = createOffloader<typeof tasks>({ tasks: new URL("./workers/tasks.ts", import.meta.url) });
const server = createServer((req, res) => {
  offloader.offloadAfterResponse(res, "write", { n: req.url?.slice(1) ?? "" });
  res.end();
});
server.listen(Number(process.env.PORT), "127.0.0.1", () => console.log("listening"));
offloader.shutdownOnSignals(server);
