import { defineEventHandler } from "h3";
import { offloader } from "../../utils/offloader.mjs";

export default defineEventHandler((event) => {
  offloader.offloadAfterResponse("write", { n: event.context.params.n }); // the response is found
  return { accepted: true };
});
