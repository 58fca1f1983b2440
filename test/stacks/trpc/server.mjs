import { initTRPC } from "@trpc/server";
import { createHTTPServer } from "@trpc/server/adapters/standalone";
import { createOffloader } from "offload-after-response";

const offloader = createOffloader({ tasks: new URL("./workers/tasks.mjs", import.meta.url) });

const t = initTRPC.context().create();
const number = t.procedure.input((n) => Number(n));
const router = t.router({
  work: number.mutation(({ input, ctx }) => void offloader.offloadAfterResponse(ctx.res, "write", { n: input })),
  found: number.mutation(({ input }) => void offloader.offloadAfterResponse("write", { n: input })), // it is found
});
const server = createHTTPServer({ router, createContext: ({ req, res }) => ({ req, res }) });
server.listen(Number(process.env.PORT), "127.0.0.1");
offloader.shutdownOnSignals(server);
