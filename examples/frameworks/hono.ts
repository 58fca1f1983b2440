// Hono on @hono/node-server: the context stands for the response, and afterEachContext is the middleware.
import { setImmediate as pause } from "node:timers/promises";
import { serve } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { createOffloader } from "offload-after-response";
import type * as tasks from "./workers/tasks.js";

const offloader = createOffloader<typeof tasks>({ tasks: new URL("./workers/tasks.js", import.meta.url) });
const { offloadAfterResponse, afterEachContext } = offloader;

const app = new Hono();
app.use(
  afterEachContext<Context>((c, { kind, statusCode }) => console.log(c.req.method, c.req.path, kind, statusCode)),
);

app.post("/photos/:name", (c) => {
  offloadAfterResponse(c, "makeThumbnail", { photo: c.req.param("name") });
  return c.body(null, 202);
});

app.post("/albums/:name", async (c) => {
  await saveAlbum(c.req.param("name"));
  return c.body(null, 202);
});

// Far from the handler nobody has the context. The response is found, after an await too.
async function saveAlbum(name: string): Promise<void> {
  await pause();
  offloadAfterResponse("makeThumbnail", { photo: `the cover of ${name}` });
}

await offloader.ready();
const server = serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000), hostname: "127.0.0.1" }, ({ port }) =>
  console.log(`listening ${port}`),
);
offloader.shutdownOnSignals(server);
