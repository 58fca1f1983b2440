// With close-with-grace: the server first, then the tasks, both within its delay.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import closeWithGrace from "close-with-grace";
import express from "express";
import { offloader } from "./offloader.js";

const app = express();
app.post("/notes/:text", (req, res) => {
  offloader.offloadAfterResponse(res, "note", { text: req.params.text });
  res.status(202).end();
});

const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
closeWithGrace({ delay: 25_000 }, async () => {
  server.close();
  server.closeIdleConnections();
  await once(server, "close");
  await offloader.close({ timeout: 20_000 });
});

await once(server, "listening");
console.log(`listening ${(server.address() as AddressInfo).port}`);
