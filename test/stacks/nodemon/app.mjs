import { createServer } from "node:http";
import { createOffloader } from "offload-after-response";

const offloader = createOffloader({ tasks: new URL("./tasks.mjs", import.meta.url) });
const server = createServer((req, res) => {
  offloader.offloadAfterResponse(res, "write", { n: req.url.slice(1) });
  res.end();
});
server.listen(process.env.PORT, "127.0.0.1", () => console.log("listening"));
// nodemon restarts a program with SIGUSR2, unless it is started with --signal SIGTERM.
offloader.shutdownOnSignals(server, { signals: ["SIGTERM", "SIGINT", "SIGUSR2"] });
