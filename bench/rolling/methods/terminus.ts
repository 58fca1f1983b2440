// @godaddy/terminus, with the delay in beforeShutdown that its documentation has for Kubernetes.
import { setTimeout as sleep } from "node:timers/promises";
import { createTerminus } from "@godaddy/terminus";
import { alwaysReady, type Install } from "./method.js";
import { closePiscina, dispatchToPiscina } from "./piscina-pool.js";

export const install: Install = (server, drainDelay) => {
  createTerminus(server, {
    signals: ["SIGTERM"],
    timeout: 15_000,
    // It answers these itself, with 503 once the signal has come.
    healthChecks: { "/readyz": async () => {} },
    beforeShutdown: () => sleep(drainDelay),
    onSignal: closePiscina,
  });
  return { dispatch: dispatchToPiscina, readyz: alwaysReady };
};
