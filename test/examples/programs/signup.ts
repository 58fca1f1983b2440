// The sign-up server, which tells what happens in which order.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { app } from "../../../examples/signup/app.js";
import { offloader } from "../../../examples/signup/offloader.js";

await offloader.ready();
offloader.on("started", ({ task }) => console.log(`began ${task}`));
const server = createServer((req, res) => {
  // "finish" is emitted when the whole answer has been handed to the network.
  res.once("finish", () => console.log(`answered ${res.statusCode}`));
  app(req, res);
});
offloader.shutdownOnSignals(server);
server.listen(0, "127.0.0.1", () => console.log(`listening ${(server.address() as AddressInfo).port}`));
