import { createServer } from "node:http";
import { createOffloader } from "offload-after-response";
import { Server } from "socket.io";

const offloader = createOffloader({ tasks: new URL("./workers/tasks.mjs", import.meta.url) });

const server = createServer((_req, res) => res.end());
const io = new Server(server);
io.on("connection", (socket) => {
  // A message has no response: the task runs as soon as a thread is free.
  socket.on("work", (n, acknowledge) => {
    offloader.offload("write", { n });
    acknowledge({ accepted: true });
  });
});
server.listen(process.env.PORT, "127.0.0.1");
// Clients are told that the server goes, so that they connect to another one.
offloader.shutdownOnSignals(server, { onUpgraded: () => io.disconnectSockets(true) });
