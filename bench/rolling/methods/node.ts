// No library: server.close() and pool.close(), as in many a tutorial.
import { once } from "node:events";
import { alwaysReady, type Install } from "./method.js";
import { closePiscina, dispatchToPiscina } from "./piscina-pool.js";

export const install: Install = (server) => {
  process.once("SIGTERM", async () => {
    server.close();
    await once(server, "close");
    await closePiscina();
    process.exit();
  });
  return { dispatch: dispatchToPiscina, readyz: alwaysReady };
};
