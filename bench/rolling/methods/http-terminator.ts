// http-terminator: terminate() on the signal, then the pool.
import { createHttpTerminator } from "http-terminator";
import { alwaysReady, type Install } from "./method.js";
import { closePiscina, dispatchToPiscina } from "./piscina-pool.js";

export const install: Install = (server) => {
  const terminator = createHttpTerminator({ server });
  process.once("SIGTERM", async () => {
    await terminator.terminate();
    await closePiscina();
    process.exit();
  });
  return { dispatch: dispatchToPiscina, readyz: alwaysReady };
};
