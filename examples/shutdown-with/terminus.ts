// With terminus: onSignal comes when the server has closed. Its timeout is for open connections; the drain has its own.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createTerminus } from "@godaddy/terminus";
import express from "express";
import { offloader } from "./offloader.js";

const app = express();
app.post("/notes/:text", (req, res) => {
  offloader.offloadAfterResponse(res, "note", { text: req.params.text });
  res.status(202).end();
});

const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
createTerminus(server, {
  signals: ["SIGTERM", "SIGINT"],
  timeout: 5_000,
  onSignal: () => offloader.close({ timeout: 20_000 }),
});

await once(server, "listening");
console.log(`listening ${(server.address() as AddressInfo).port}`);
