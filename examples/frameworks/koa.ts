// Koa: the context stands for the response, and afterEachContext is the middleware.
import type { AddressInfo } from "node:net";
import { setImmediate as pause } from "node:timers/promises";
import Koa, { type Context } from "koa";
import { createOffloader } from "offload-after-response";
import type * as tasks from "./workers/tasks.js";

const offloader = createOffloader<typeof tasks>({ tasks: new URL("./workers/tasks.js", import.meta.url) });
const { offloadAfterResponse, afterEachContext } = offloader;

const app = new Koa();
app.use(afterEachContext<Context>((ctx, { kind, statusCode }) => console.log(ctx.method, ctx.url, kind, statusCode)));

app.use(async (ctx) => {
  const [, kind, name = ""] = ctx.path.split("/");
  if (kind === "photos") offloadAfterResponse(ctx, "makeThumbnail", { photo: name });
  else if (kind === "albums") await saveAlbum(name);
  else return;
  ctx.status = 202;
});

// Far from the handler nobody has the context. The response is found, after an await too.
async function saveAlbum(name: string): Promise<void> {
  await pause();
  offloadAfterResponse("makeThumbnail", { photo: `the cover of ${name}` });
}

await offloader.ready();
const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  console.log(`listening ${(server.address() as AddressInfo).port}`);
});
offloader.shutdownOnSignals(server);
