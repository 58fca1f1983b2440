// Starts the sign-up server: node --import tsx examples/signup/main.ts
import type { AddressInfo } from "node:net";
import { app } from "./app.js";
import { offloader } from "./offloader.js";

await offloader.ready();
const server = app.listen(Number(process.env.PORT || 3000), "127.0.0.1", (error) => {
  if (error) throw error;
  console.log(`Sign-up server on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
offloader.shutdownOnSignals(server);
