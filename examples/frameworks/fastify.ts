// Fastify: the reply stands for the response, and afterEachResponse is an onRequest hook.
import type { AddressInfo } from "node:net";
import { setImmediate as pause } from "node:timers/promises";
import fastify, { type FastifyReply, type FastifyRequest } from "fastify";
import { createOffloader } from "offload-after-response";
import type * as tasks from "./workers/tasks.js";

const offloader = createOffloader<typeof tasks>({ tasks: new URL("./workers/tasks.js", import.meta.url) });
const { offloadAfterResponse, afterEachResponse } = offloader;

const app = fastify();
app.addHook(
  "onRequest",
  afterEachResponse<FastifyRequest, FastifyReply>((request, _reply, { kind, statusCode }) => {
    console.log(request.method, request.url, kind, statusCode);
  }),
);

app.post<{ Params: { name: string } }>("/photos/:name", (request, reply) => {
  offloadAfterResponse(reply, "makeThumbnail", { photo: request.params.name });
  reply.code(202).send();
});

app.post<{ Params: { name: string } }>("/albums/:name", async (request, reply) => {
  await saveAlbum(request.params.name);
  return reply.code(202).send();
});

// Far from the handler nobody has the reply. The response is found, after an await too.
async function saveAlbum(name: string): Promise<void> {
  await pause();
  offloadAfterResponse("makeThumbnail", { photo: `the cover of ${name}` });
}

await offloader.ready();
await app.listen({ port: Number(process.env.PORT ?? 3000), host: "127.0.0.1" });
console.log(`listening ${(app.server.address() as AddressInfo).port}`);
offloader.shutdownOnSignals(app.server, { hooks: [() => app.close()] });
