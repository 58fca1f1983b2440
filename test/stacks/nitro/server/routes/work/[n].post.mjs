import { defineHandler } from "nitro";
import { offloader } from "../../utils/offloader.mjs";

export default defineHandler((event) => {
  offloader.offloadAfterResponse(event, "write", { n: event.context.params.n });
  return { accepted: true };
});
