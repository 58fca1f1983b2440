// Express 4: as Express 5, but a handler that is async passes its own errors on.
import type { AddressInfo } from "node:net";
import { setImmediate as pause } from "node:timers/promises";
import express from "express4"; // express@4 under another name; yours is "express"
import { createOffloader } from "offload-after-response";
import type * as tasks from "./workers/tasks.js";

const offloader = createOffloader<typeof tasks>({ tasks: new URL("./workers/tasks.js", import.meta.url) });
const { offloadAfterResponse, afterEachResponse } = offloader;

const app = express();
app.use(afterEachResponse((req, _res, { kind, statusCode }) => console.log(req.method, req.url, kind, statusCode)));

app.post("/photos/:name", (req, res) => {
  offloadAfterResponse(res, "makeThumbnail", { photo: req.params.name });
  res.sendStatus(202);
});

app.post("/albums/:name", (req, res, next) => {
  saveAlbum(req.params.name).then(() => res.sendStatus(202), next);
});

// Far from the handler nobody has `res`. It is found, after an await too.
async function saveAlbum(name: string): Promise<void> {
  await pause();
  offloadAfterResponse("makeThumbnail", { photo: `the cover of ${name}` });
}

await offloader.ready();
const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  console.log(`listening ${(server.address() as AddressInfo).port}`);
});
offloader.shutdownOnSignals(server);
