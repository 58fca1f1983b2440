// http-graceful-shutdown, with the delay in preShutdown.
import { setTimeout as sleep } from "node:timers/promises";
import gracefulShutdown from "http-graceful-shutdown";
import type { Install } from "./method.js";
import { closePiscina, dispatchToPiscina } from "./piscina-pool.js";

export const install: Install = (server, drainDelay) => {
  let leaving = false;
  gracefulShutdown(server, {
    timeout: 20_000,
    preShutdown: async () => {
      leaving = true;
      await sleep(drainDelay);
    },
    onShutdown: closePiscina,
  });
  return { dispatch: dispatchToPiscina, readyz: (_req, res) => void res.writeHead(leaving ? 503 : 200).end() };
};
