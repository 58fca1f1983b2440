// The program that every platform of these examples starts, as it is: orders are answered at once, receipts follow.
import { createServer } from "node:http";
import express from "express";
import { createOffloader } from "offload-after-response";

const offloader = createOffloader({ tasks: new URL("./tasks.js", import.meta.url) });
const app = express();
const server = createServer(app);

// How long the platform waits is known where its files are, not here. What is not set has its default, and a value that
// is no number is refused at the start by its name.
const shutdown = offloader.shutdownOnSignals(server, {
  timeout: milliseconds("SHUTDOWN_TIMEOUT_MS"),
  drainDelay: milliseconds("DRAIN_DELAY_MS"),
  platformGrace: milliseconds("PLATFORM_GRACE_MS"),
});

app.get("/livez", shutdown.liveness);
app.get("/readyz", shutdown.readiness);
app.post("/orders/:order", (req, res) => {
  offloader.offloadAfterResponse(res, "writeReceipt", { order: req.params.order });
  res.status(202).json({ order: req.params.order });
});

// A process that cannot run its tasks does not become ready: the platform keeps the old one.
await offloader.ready();
server.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`listening ${server.address().port}`);
  // For PM2's `wait_ready`; elsewhere there is nobody to tell.
  process.send?.("ready");
});

function milliseconds(variable) {
  const text = process.env[variable];
  return text === undefined ? undefined : Number(text);
}
