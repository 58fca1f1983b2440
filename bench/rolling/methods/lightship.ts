// lightship, with its shutdownDelay; its handler closes the server, then the pool.
import { once } from "node:events";
import { createLightship } from "lightship";
import type { Install } from "./method.js";
import { closePiscina, dispatchToPiscina } from "./piscina-pool.js";

export const install: Install = async (server, drainDelay) => {
  const lightship = await createLightship({ shutdownDelay: drainDelay, shutdownHandlerTimeout: 20_000 });
  lightship.registerShutdownHandler(async () => {
    server.close();
    await once(server, "close");
    await closePiscina();
  });
  lightship.signalReady();
  return {
    dispatch: dispatchToPiscina,
    // Its own server answers this on another port.
    readyz: (_req, res) => void res.writeHead(lightship.isServerReady() ? 200 : 503).end(),
  };
};
