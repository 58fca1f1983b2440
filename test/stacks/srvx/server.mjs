import { createOffloader } from "offload-after-response";
import { serve } from "srvx";

const offloader = createOffloader({ tasks: new URL("./workers/tasks.mjs", import.meta.url) });

serve({
  port: process.env.PORT,
  hostname: "127.0.0.1",
  gracefulShutdown: false,
  fetch(request) {
    const [, route, n] = new URL(request.url).pathname.split("/");
    if (route === "work") offloader.offloadAfterResponse(request, "write", { n });
    if (route === "found") offloader.offloadAfterResponse("write", { n }); // the response is found
    return Response.json({ accepted: route !== "" });
  },
});
offloader.shutdownOnSignals();
