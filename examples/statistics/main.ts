// Request statistics: every request is timed, and recorded after its response. Laravel calls this terminable middleware.
import { appendFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import express, { type Request, type Response } from "express";
import { createOffloader } from "offload-after-response";
import type * as tasks from "./workers/summary.js";

const file = process.env.REQUESTS_FILE ?? "requests.ndjson";
const offloader = createOffloader<typeof tasks>({ tasks: new URL("./workers/summary.js", import.meta.url) });

const app = express();
app.use(
  offloader.afterEachResponse<Request, Response>(function recordRequest(req, _res, outcome) {
    const { kind, statusCode, startedAt, endedAt, durationMs } = outcome;
    const route: string = req.route?.path ?? "none";
    const record = { method: req.method, route, statusCode, kind, startedAt, endedAt, durationMs };
    return appendFile(file, `${JSON.stringify(record)}\n`);
  }),
);

app.get("/photos/:name", (req, res) => {
  res.send(`a photo of ${req.params.name}`);
});
app.get("/broken", () => {
  throw new Error("broken on purpose");
});
// Reading a long file of records is work for a thread; the answer waits for it, other requests do not.
app.get("/statistics", async (_req, res) => {
  res.json(await offloader.run("summarize", { file }));
});

await offloader.ready();
const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  console.log(`listening ${(server.address() as AddressInfo).port}`);
});
offloader.shutdownOnSignals(server);
