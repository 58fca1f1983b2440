// stoppable: stop() on the signal, then the pool.
import stoppable from "stoppable";
import { alwaysReady, type Install } from "./method.js";
import { closePiscina, dispatchToPiscina } from "./piscina-pool.js";

export const install: Install = (server) => {
  const stopping = stoppable(server, 15_000);
  process.once("SIGTERM", () => {
    stopping.stop(async () => {
      await closePiscina();
      process.exit();
    });
  });
  return { dispatch: dispatchToPiscina, readyz: alwaysReady };
};
