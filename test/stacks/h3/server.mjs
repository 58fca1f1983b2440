import { H3, serve } from "h3";
import { createOffloader } from "offload-after-response";

const offloader = createOffloader({ tasks: new URL("./workers/tasks.mjs", import.meta.url) });

const app = new H3();
app.get("/", () => "ok");
app.post("/work/:n", (event) => {
  offloader.offloadAfterResponse(event, "write", { n: event.context.params.n });
  return { accepted: true };
});
app.post("/found/:n", (event) => {
  offloader.offloadAfterResponse("write", { n: event.context.params.n }); // the response is found
  return { accepted: true };
});
serve(app, { port: process.env.PORT, hostname: "127.0.0.1", gracefulShutdown: false });
offloader.shutdownOnSignals();
