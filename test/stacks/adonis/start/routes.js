import path from "node:path";
import router from "@adonisjs/core/services/router";
import { createOffloader } from "offload-after-response";

export const offloader = createOffloader({ name: "app", tasks: path.resolve("workers/tasks.mjs") });
offloader.shutdownOnSignals();

router.get("/", () => "ok");
router.post("/work/:n", ({ params, response }) => {
  offloader.offloadAfterResponse(response.response, "write", { n: params.n });
  return { accepted: true };
});
router.post("/found/:n", ({ params }) => {
  offloader.offloadAfterResponse("write", { n: params.n }); // the response is found
  return { accepted: true };
});
