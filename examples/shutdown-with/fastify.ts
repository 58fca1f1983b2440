// With Fastify: its close() finishes the open requests, then runs the onClose hooks.
import type { AddressInfo } from "node:net";
import Fastify from "fastify";
import { offloader } from "./offloader.js";

const app = Fastify();
app.addHook("onClose", async () => {
  await offloader.close({ timeout: 20_000 });
});
app.post<{ Params: { text: string } }>("/notes/:text", async (request, reply) => {
  offloader.offloadAfterResponse(reply, "note", { text: request.params.text });
  return reply.code(202).send();
});

process.once("SIGTERM", () => void app.close());
await app.listen({ port: Number(process.env.PORT ?? 3000), host: "127.0.0.1" });
console.log(`listening ${(app.server.address() as AddressInfo).port}`);
