import { defineHandler } from "nitro";
import { offloader } from "../../utils/offloader.mjs";

export default defineHandler((event) => {
  offloader.offloadAfterResponse("write", { n: event.context.params.n }); // the response is found
  return { accepted: true };
});
