// No framework and no bundler: what the stacks are compared with.
import { createServer } from "node:http";
import { createOffloader } from "offload-after-response";

const offloader = createOffloader({ tasks: new URL("./tasks.js", import.meta.url) });
const server = createServer((req, res) => {
  if (req.method === "POST") offloader.offloadAfterResponse(res, "write", { n: req.url.split("/").pop() });
  res.writeHead(202).end();
});
server.listen(process.env.PORT, "127.0.0.1");
offloader.shutdownOnSignals(server);
