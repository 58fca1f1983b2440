// close-with-grace: the server is closed, then the pool.
import { once } from "node:events";
import closeWithGrace from "close-with-grace";
import { alwaysReady, type Install } from "./method.js";
import { closePiscina, dispatchToPiscina } from "./piscina-pool.js";

export const install: Install = (server) => {
  closeWithGrace({ delay: 20_000 }, async () => {
    server.close();
    await once(server, "close");
    await closePiscina();
  });
  return { dispatch: dispatchToPiscina, readyz: alwaysReady };
};
